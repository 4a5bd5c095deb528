"""The draft of a post-mortem: whole, the same each time, and harmless whatever was in the servers."""

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.model.action import Action
from leadline.model.alert import Evidence, Transition
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline_sinks.incident_log.impact import breaches
from leadline_sinks.incident_log.incident_history import Story, Times
from leadline_sinks.incident_log.measures import measures
from leadline_sinks.incident_log.postmortem import draft
from leadline_sinks.incident_log.terminal import page
from tests.unit.sinks import made
from tests.unit.sinks.outage import BEGAN, OUTAGE, at, step
from tests.unit.strategies import values

PAGE = Path(__file__).parents[3] / "docs/reference/postmortem.md"
HEADINGS = [
    "## Issue summary",
    "## Timeline (UTC)",
    "## Root cause and resolution",
    "### Root cause",
    "### Resolution",
    "## Detection and response",
    "## Corrective and preventative measures",
    "### Improvements and fixes",
    "### Tasks",
]


def test_the_outage() -> None:
    """The draft of the outage of 16 hours is the page in the documentation."""
    assert draft(OUTAGE) == PAGE.read_text()


def test_the_times_of_the_outage() -> None:
    """How long each step took, from what it is counted."""
    assert OUTAGE.times == Times(34.0, 35.0, 5.0, 861.0, 57_600.0)


def test_measures_are_said_once() -> None:
    """Causes that ask for the same thing ask once; a code that is not known asks for what `unknown` does."""
    both = measures(["subscriber_duplicate_key", "subscriber_local_writes"])
    assert len(set(both.tasks)) == len(both.tasks) == 3
    assert measures(["made_up"]) == measures([]) == measures(["unknown"])


@pytest.mark.parametrize(
    "story",
    [
        OUTAGE,
        Story(made.incident()),
        Story(made.incident(causes=[], timeline=[], alerts=[], rules=[])),
        Story(made.incident(causes=[made.UNKNOWN], cause_at=None)),
        replace(OUTAGE, transitions=(), actions=()),
    ],
    ids=["whole", "open", "bare", "unknown", "without-transitions"],
)
def test_no_section_is_missing_or_empty(story: Story) -> None:
    """Whatever is known, every section of a post-mortem is there and says something."""
    written = draft(story)
    assert [line for line in written.splitlines() if line in HEADINGS] == HEADINGS
    filled = [line for line in written.splitlines() if line]
    below = zip(filled, [*filled[1:], "# end"], strict=True)
    assert [one for one, other in below if level(one) and 0 < level(other) <= level(one)] == []
    assert "None" not in written


def level(line: str) -> int:
    """Of a heading; 0 for any other line."""
    return len(line) - len(line.lstrip("#"))


stories = st.builds(
    Story,
    incident=values(Incident),
    transitions=st.tuples(values(Transition)),
    deliveries=st.tuples(values(Delivery)),
    actions=st.tuples(values(Action)),
)


@settings(max_examples=10)  # a story is large
@given(stories)
def test_any_story_has_a_draft_and_a_page(story: Story) -> None:
    """Nothing that the wire lets through stops the export; all of it is printable."""
    for written in (draft(story), page(story)):
        assert all(line.isprintable() for line in written.split("\n"))
    assert draft(story) == draft(story)


@pytest.mark.parametrize("name", made.HOSTILE, ids=range(len(made.HOSTILE)))
def test_hostile_text_makes_no_markup(name: str) -> None:
    """Foreign text neither ends a cell nor makes a heading, a link, an image or HTML."""
    hostile = f"# {name} | <img src=x onerror=alert(1)> [click](javascript:x) ![](http://x) `| ``` \n\n## forged"
    story = Story(made.hostile(hostile), actions=(made.action("note", text=hostile[:4000]),))
    written = draft(story)
    outside = re.sub(r"(?s)^(`{3,})(?:text|sql)\n.*?\n\1$", "", written, flags=re.MULTILINE)
    shown = re.sub(r"(?<!\\)((?:\\\\)*)(`+)(?!`).+?(?<!`)\2(?!`)", r"\1", outside)
    assert "<img" not in re.sub(r"\\.", "", shown)
    assert "](" not in re.sub(r"\\.", "", shown)
    assert [line for line in written.splitlines() if line.startswith("## ")] == [h for h in HEADINGS if h[2] == " "]
    tables = [line for line in written.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in tables}
    assert widths <= {3, 4, 5, 6, 7, 9}


def test_the_worst_of_an_alert() -> None:
    """The severest step and the value furthest beyond the limit are kept, whichever way the limit lies."""
    (lag,) = [each for each in breaches(OUTAGE.transitions) if each.rule == "replication_lag"]
    assert (lag.severity, lag.worst, lag.limit, lag.verdicts) == (
        "critical",
        304.0,
        300.0,
        ("replay_stalled", "healthy"),
    )
    assert (lag.since, lag.until) == (BEGAN, at(57_560))
    soon = {"rule": "lag_forecast", "threshold": 600.0}
    forecast = [step("a", 1, 5, "firing", 500.0, **soon), step("a", 2, 9, "firing", 90.0, **soon, reason="escalate")]
    assert [each.worst for each in breaches(forecast)] == [90.0]


def test_an_alert_that_never_fired_is_no_breach() -> None:
    """What only was pending is not counted."""
    assert breaches([step("a", 1, 5, "pending", 40.0)]) == []


def test_words_of_one_instant_keep_their_order() -> None:
    """The timeline is in order, the judgement before what followed from it; edits of messages are left out."""
    told = OUTAGE.timeline()
    assert [each.at for each in told] == sorted(each.at for each in told)
    assert [each.by for each in told[-3:]] == ["judgement", "delivery", "delivery"]
    assert not any("updated" in each.what for each in told)


def test_causes_are_told_as_they_were_when_they_were_surest() -> None:
    """When it is over the signs are gone; the evidence from when they were there is what is told, in the last order."""
    first, second = OUTAGE.incident.causes
    gone = [Evidence(name="signs", value="gone")]
    faded = msgspec.structs.replace(first, confidence=0.8, evidence_against=gone)
    early = msgspec.structs.replace(OUTAGE.incident, seq=1, causes=[second, first])
    last = msgspec.structs.replace(OUTAGE.incident, causes=[faded, second])
    assert Story(last, earlier=(early,)).causes == (first, second)
    assert "gone" not in draft(Story(last, earlier=(early,)))
    assert Story(last).causes == (faded, second)


def test_a_page_for_a_terminal() -> None:
    """Title, cause with its fix, evidence, changes, timeline, deliveries and times are on it."""
    shown = page(OUTAGE)
    for words in (
        "orders: replay on pg-2 is blocked by a query",
        "acknowledged by ada at 2024-04-10 10:15:00 UTC",
        "cause  standby_query_blocks_replay 0.98",
        "       fix  On pg-2:\n              Careful: this can interrupt running work; check first.\n",
        "              SELECT pg_terminate_backend(4711);\n",
        "max_standby_streaming_delay on pg-2: 30s → -1",
        "to resolve     16 h 00 min",
    ):
        assert words in shown


def test_what_was_not_seen() -> None:
    """It stands beside the evidence, in the post-mortem and on the terminal."""
    fact = Evidence(name="sessions", node="pg-2", value="hidden", note="grant pg_monitor to the agent")
    story = Story(made.incident(causes=[made.cause(not_seen=[fact])]))
    assert "| `sessions` | pg-2 | `hidden` | grant pg_monitor to the agent | not seen |" in draft(story)
    assert "       ? sessions on pg-2: hidden (grant pg_monitor to the agent)" in page(story)


def test_unset_values_are_told_apart_from_empty_ones() -> None:
    """A setting that was unset before is said to have been."""
    change = msgspec.structs.replace(made.change(), from_=None)
    assert "| (unset) | `-1` |" in draft(Story(made.incident(changes=[change])))

"""The draft of a post-mortem: complete, reproducible, and without markup from foreign text."""

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.model.action import Action
from leadline.model.alert import Evidence, Transition
from leadline.model.audit_result import FindingAcceptance, NotJudged
from leadline.model.delivery import Delivery
from leadline.model.ids import NodeName
from leadline.model.incident import Incident, Recurrence
from leadline_sinks.incident_log.incident_history import IncidentHistory, IncidentTimes
from leadline_sinks.incident_log.markdown import text
from leadline_sinks.incident_log.postmortem.draft import draft
from leadline_sinks.incident_log.postmortem.impact import breaches
from leadline_sinks.incident_log.postmortem.measures import measures_against
from leadline_sinks.incident_log.terminal import page
from tests.unit.sinks import made
from tests.unit.sinks.audited import audit, change_record, finding
from tests.unit.sinks.outage import BEGAN, OUTAGE, at, step
from tests.unit.strategies import values

PAGE = Path(__file__).parents[3] / "docs/reference/postmortem.md"
HEADINGS = [
    "## Issue summary",
    "## Detection and response",
    "## Timeline (UTC)",
    "## Root cause and resolution",
    "### Root cause",
    "### Resolution",
    "## Corrective and preventative measures",
    "### Improvements and fixes",
    "### Watched already",
    "### Tasks",
]


def test_the_outage() -> None:
    """The draft of the outage of 16 hours is the page in the documentation."""
    assert draft(OUTAGE) == PAGE.read_text()


def test_the_times_of_the_outage() -> None:
    """The durations between the steps of the response."""
    assert OUTAGE.times == IncidentTimes(34.0, 35.0, 5.0, 861.0, 57_600.0)


def test_measures_are_listed_once() -> None:
    """A measure that two causes share is listed once; an unknown code has the measures of `unknown`."""
    both = measures_against(["subscriber_duplicate_key", "subscriber_local_writes"])
    assert len(set(both.tasks)) == len(both.tasks) == 3
    assert measures_against(["made_up"]) == measures_against([]) == measures_against(["unknown"])


@pytest.mark.parametrize(
    "history",
    [
        OUTAGE,
        IncidentHistory(made.incident()),
        IncidentHistory(made.incident(causes=[], timeline=[], alerts=[], rules=[])),
        IncidentHistory(made.incident(causes=[made.UNKNOWN], cause_at=None)),
        replace(OUTAGE, transitions=(), actions=()),
    ],
    ids=["whole", "open", "bare", "unknown", "without-transitions"],
)
def test_no_section_is_missing_or_empty(history: IncidentHistory) -> None:
    """Every section is there and has content, whatever the history lacks."""
    written = draft(history)
    assert [line for line in written.splitlines() if line in HEADINGS] == HEADINGS
    filled = [line for line in written.splitlines() if line]
    below = zip(filled, [*filled[1:], "# end"], strict=True)
    assert [one for one, other in below if level(one) and 0 < level(other) <= level(one)] == []
    assert "None" not in written


def level(line: str) -> int:
    """The level of a heading; 0 for any other line."""
    return len(line) - len(line.lstrip("#"))


histories = st.builds(
    IncidentHistory,
    incident=values(Incident),
    transitions=st.tuples(values(Transition)),
    deliveries=st.tuples(values(Delivery)),
    actions=st.tuples(values(Action)),
)


@pytest.mark.slow
@settings(max_examples=10)  # a history is large
@given(histories)
def test_any_story_has_a_draft_and_a_page(history: IncidentHistory) -> None:
    """Any values that the wire accepts give a draft and a page, all printable."""
    for written in (draft(history), page(history)):
        assert all(line.isprintable() for line in written.split("\n"))
    assert draft(history) == draft(history)


@pytest.mark.parametrize("name", made.HOSTILE, ids=range(len(made.HOSTILE)))
def test_hostile_text_makes_no_markup(name: str) -> None:
    """Foreign text neither ends a cell nor makes a heading, a link, an image or HTML."""
    hostile = f"# {name} | <img src=x onerror=alert(1)> [click](javascript:x) ![](http://x) `| ``` \n\n## forged"
    audited = audit(made.later(-60), finding(hostile, "pg-2", made.later(-60), summary=hostile))
    audited = msgspec.structs.replace(audited, audit_id=hostile, nodes=(NodeName(hostile),))
    changed = change_record(made.later(-90), hostile, node=NodeName(hostile), file=hostile, from_=hostile)
    history = IncidentHistory(
        made.hostile(hostile),
        actions=(made.action("note", text=hostile[:4000]),),
        audit_before=audited,
        audit_latest=audited,
        changes_before=(changed,),
    )
    written = draft(history)
    outside = re.sub(r"(?s)^(`{3,})(?:text|sql)\n.*?\n\1$", "", written, flags=re.MULTILINE)
    shown = re.sub(r"(?<!\\)((?:\\\\)*)(`+)(?!`).+?(?<!`)\2(?!`)", r"\1", outside)
    assert "<img" not in re.sub(r"\\.", "", shown)
    assert "](" not in re.sub(r"\\.", "", shown)
    assert [line for line in written.splitlines() if line.startswith("## ")] == [h for h in HEADINGS if h[2] == " "]
    tables = [line for line in written.splitlines() if line.startswith("| ")]
    widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in tables}
    assert widths <= {3, 4, 5, 6, 7, 8, 9}


def test_the_duration_of_a_problem_is_not_that_of_its_incident() -> None:
    """An incident ends when it has been quiet for a while. Both may end at once, or an end may be unknown."""
    shown = draft(OUTAGE)
    assert "16 h, from 2024-04-10 10:00:00 to 2024-04-11 02:00:00 UTC; the problem itself 15 h 59 min" in shown
    assert "The signs of the root cause were gone since 01:52:31 UTC." in shown
    open_end = replace(OUTAGE, transitions=OUTAGE.transitions[:-1])
    at_once = replace(
        OUTAGE, incident=msgspec.structs.replace(OUTAGE.incident, resolved_at=OUTAGE.transitions[-1].event_time)
    )
    for history in (open_end, at_once, replace(OUTAGE, transitions=())):
        assert "the problem itself" not in draft(history)


def test_the_audit_before_is_cited() -> None:
    """With what it had found about the cause; without an audit and changes there is no such section."""
    shown = draft(OUTAGE)
    assert "It had found what a measure below is to prevent: `PG-SBY-003`." in shown
    silent = replace(OUTAGE, audit_before=audit(made.later(0)))
    assert "It had found nothing that a measure below is to prevent." in draft(silent)
    assert "### Known before" not in draft(replace(OUTAGE, audit_before=None, changes_before=()))


def test_measures_that_the_audit_watches() -> None:
    """Each with the result of the newest audit: held, violated, accepted, not judged, or that there is none."""
    given = FindingAcceptance(owner="ada", reason="reports", until="2027-01-01")
    when = made.later(90_000)
    for latest, words in (
        (audit(when), "`PG-SBY-001` held at the audit of 2026-04-11 11:00:03 UTC"),
        (audit(when, finding("PG-SBY-001", "pg-2", when)), "`PG-SBY-001` is violated on pg-2 at the audit"),
        (audit(when, finding("PG-SBY-001", "pg-2", when, accepted=given)), "accepted by ada until 2027-01-01"),
        (
            audit(when, not_judged=(NotJudged(rule="PG-SBY-001", subject="orders/pg-2", reason="hidden"),)),
            "`PG-SBY-001` was not judged everywhere at the audit",
        ),
        (None, "`PG-SBY-001` has no result, since the incident log has no audit of this cluster"),
    ):
        assert words in draft(replace(OUTAGE, audit_latest=latest))


def test_a_measure_that_was_undone() -> None:
    """It is in the summary, among what is watched, and in the timeline."""
    found = Recurrence(
        rule="PG-SBY-001",
        title="Queries on a standby may stop replay for ever",
        subject="orders/pg-2",
        summary="queries on pg-2 may stop replay for ever",
        measure="Set max_standby_streaming_delay to a finite value.",
        at=made.later(90_000),
    )
    incident = msgspec.structs.replace(OUTAGE.incident, seq=10, recurrences=[found])
    shown = draft(replace(OUTAGE, incident=incident))
    assert "- **Can return:** `PG-SBY-001` is violated again since 2026-04-11 11:00:03 UTC" in shown
    assert "- **Undone:** `PG-SBY-001` is violated again since the audit of 2026-04-11 11:00:03 UTC" in shown
    assert "| can return: PG-SBY-001 is violated again: queries on pg-2 may stop replay for ever |" in shown


def test_the_worst_of_an_alert() -> None:
    """The highest severity, and the value furthest beyond the limit in either direction."""
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


def test_a_forecast_is_a_time_to_come() -> None:
    """Its worst value and its limit are both ahead."""
    soon = {"rule": "lag_forecast", "threshold": 600.0, "unit": "s"}
    history = replace(OUTAGE, transitions=(step("a", 1, 5, "firing", 90.0, **soon),))
    assert "| `lag_forecast` | warning | replay stalled | 1 min 30 s ahead | 10 min ahead |" in draft(history)


def test_what_healing_looks_like_is_no_root() -> None:
    """A cause that explains nothing else than the first one has neither a fix nor tasks of its own."""
    healing = made.cause("apply_cannot_keep_up", confidence=0.6, summary="apply is late")
    incident = made.incident(
        causes=[made.cause("subscriber_duplicate_key"), healing], rules=["apply_error", "replication_lag"]
    )
    written = draft(IncidentHistory(incident))
    assert "- `apply_cannot_keep_up` (confidence 0.60): apply is late." in written
    assert "Another root cause" not in written
    assert [task for task in measures_against(["apply_cannot_keep_up"]).tasks if task in written] == []


def test_two_roots_have_a_fix_each() -> None:
    """The second one explains an alert that the first one does not."""
    incident = made.incident(
        causes=[made.cause(), made.cause("archiver_failing", confidence=0.9, summary="the archiver fails")],
        rules=["replication_lag", "archive_failing"],
    )
    written = draft(IncidentHistory(incident))
    assert "### Another root cause\n\n`archiver_failing`, confidence 0.90: the archiver fails." in written
    assert written.count("Leadline proposed:") == 2
    assert all(task in written for task in measures_against(["archiver_failing"]).tasks)


def test_an_address_is_not_escaped() -> None:
    """Four numbers with full stops are no item of a list; one number with one is."""
    assert text("127.0.0.1 is down") == "127.0.0.1 is down"
    assert text("1. forged") == "1\\. forged"


def test_an_alert_that_never_fired_is_no_breach() -> None:
    """An alert that was only pending is not counted."""
    assert breaches([step("a", 1, 5, "pending", 40.0)]) == []


def test_events_of_one_instant_keep_their_order() -> None:
    """The timeline is in order, a judgement before its deliveries; edits of messages are left out."""
    rows = OUTAGE.timeline()
    assert [each.at for each in rows] == sorted(each.at for each in rows)
    assert [each.origin for each in rows[-3:]] == ["judgement", "delivery", "delivery"]
    assert not any("updated" in each.what for each in rows)


def test_causes_have_their_highest_confidence() -> None:
    """The evidence of a resolved incident is that of the record with the highest confidence, in the last order."""
    first, second = OUTAGE.incident.causes
    gone = [Evidence(name="signs", value="vanished")]
    faded = msgspec.structs.replace(first, confidence=0.8, evidence_against=gone)
    early = msgspec.structs.replace(OUTAGE.incident, seq=1, causes=[second, first])
    last = msgspec.structs.replace(OUTAGE.incident, causes=[faded, second])
    assert IncidentHistory(last, earlier=(early,)).causes == (first, second)
    assert "vanished" not in draft(IncidentHistory(last, earlier=(early,)))
    assert IncidentHistory(last).causes == (faded, second)


def test_a_page_for_a_terminal() -> None:
    """Title, cause, fix, evidence, changes, timeline, deliveries and times."""
    shown = page(OUTAGE)
    for words in (
        "orders: replay on pg-2 is blocked by a query",
        "acknowledged by ada at 2024-04-10 10:15:00 UTC",
        "cause  standby_query_blocks_replay 0.98",
        "       fix  On pg-2:\n              Careful: this can interrupt running work; check first.\n",
        "              SELECT pg_terminate_backend(4711);\n",
        "max_standby_streaming_delay on pg-2: 30s → -1 (unlimited)",
        "to resolve     16 h",
    ):
        assert words in shown


def test_what_was_not_seen() -> None:
    """It is listed with the evidence, in the post-mortem and on the terminal."""
    fact = Evidence(name="sessions", node="pg-2", value="hidden", note="grant pg_monitor to the agent")
    history = IncidentHistory(made.incident(causes=[made.cause(not_seen=[fact])]))
    assert "| `sessions` | pg-2 | `hidden` | grant pg_monitor to the agent | not seen |" in draft(history)
    assert "       ? sessions on pg-2: hidden (grant pg_monitor to the agent)" in page(history)


def test_an_unset_value() -> None:
    """A setting that was unset before the change is shown as unset."""
    change = msgspec.structs.replace(made.change(), from_=None)
    assert "| `unset` | `-1 (unlimited)` |" in draft(IncidentHistory(made.incident(changes=[change])))

"""The output of a demo: lines, the live view, the summary, the report."""

import json
import re
from dataclasses import replace as changed
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from leadline import wire
from leadline.model.incident import Step
from leadline.model.verification import Verification
from leadline.settings.load import load
from leadline.settings.sink import SinkSettings
from leadline_lab.demo.console_pictures import page_of
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import DemoEvent, EventKind, EventReporter
from leadline_lab.demo.live_view import render
from leadline_lab.demo.observed import Observed, VendorEvent
from leadline_lab.demo.pictures import svg
from leadline_lab.demo.postmortem import BLOCKED, DUPLICATE, LOST, POSTMORTEM, SKIPPED
from leadline_lab.demo.progress import Progress
from leadline_lab.demo.report import draft_beside, report
from leadline_lab.demo.screen import as_json, line
from leadline_lab.demo.summary import plain
from leadline_lab.demo.targets import own_targets, sink_settings
from tests.unit.lab.demo.made import alert, at, cause, everything, incident, lost, second, verified

HOSTILE = "\x1b[2J\u202e<!channel>"
PLACES = {"console_url": "http://127.0.0.1:15002", "bootstrap": "127.0.0.1:15003"}
FIELDS = {
    *("scenario", "ok", "broker", "postgres", "injected_at", "detected_after_s", "cause_named_after_s", "cause"),
    *("expected_cause", "pages_sent", "slack_messages", "incident_rows", "resolved_after_fix_s", "postmortem"),
}
"""Of the contract."""


def progress_with(observed: Observed) -> Progress:
    """The scenario as far as ``observed`` takes it, a second for each evaluation."""
    progress, now = Progress(POSTMORTEM), 0.0
    while not progress.over and now < 500.0:
        if progress.step is None:
            progress.begin(now)
        list(progress.evaluate(observed, now))
        now += 1.0
    return progress


def test_a_report_has_the_fields_of_the_contract() -> None:
    """And names what is missing of a scenario that was not observed to its end."""
    made = report(progress_with(Observed()), Observed(), None, "18.6", [])
    assert made.keys() >= FIELDS
    assert (made["ok"], made["cause"], made["pages_sent"], made["detected_after_s"]) == (False, None, 0, None)
    assert made["missing"] == ["all 3 links are healthy and no alert is open", "the data of pg-4 is proven equal"]


def test_a_report_of_a_successful_demo(tmp_path: Path) -> None:
    """Counts, the cause, and the path of the draft."""
    progress = Progress(POSTMORTEM)
    progress.at = {"injected": 10.0, "detected": 13.25, "named": 14.0, "paged": 16.0}
    progress.at |= {"skipped": 30.0, "found": 36.5, "repaired": 40.0, "resolved": 46.5}
    made = report(progress, everything(), at(0), "18.6", [tmp_path / "draft.md", tmp_path / "draft-2.md"])
    read = json.loads(wire.encode(made))
    assert (read["detected_after_s"], read["cause_named_after_s"], read["resolved_after_fix_s"]) == (3.2, 4.0, 6.5)
    assert (read["cause"], read["pages_sent"], read["slack_messages"], read["incident_rows"]) == (BLOCKED, 2, 2, 2)
    assert [one["cause"] for one in read["incidents"]] == [BLOCKED, DUPLICATE]
    assert read["rows_lost_found_after_s"] == 6.5
    assert [one["also"] for one in read["incidents"]] == [["config_changed"], [SKIPPED]]
    assert [Path(file).name for file in read["postmortems"]] == ["draft.md", "draft-2.md"]
    assert (read["injected_at"], read["postmortem"]) == ("2026-04-10T10:00:00.000Z", str(tmp_path / "draft.md"))


@pytest.mark.parametrize(
    ("file", "draft", "second"),
    [
        ("build/demo-report.json", "build/demo-postmortem.md", "build/demo-postmortem-2.md"),
        ("report.json", "postmortem.md", "postmortem-2.md"),
        ("/x/mine.json", "/x/mine-postmortem.md", "/x/mine-postmortem-2.md"),
    ],
)
def test_the_drafts_are_beside_the_report(file: str, draft: str, second: str) -> None:
    """Under names of their own."""
    assert [draft_beside(Path(file)), draft_beside(Path(file), 2)] == [Path(draft), Path(second)]


def test_each_change_gets_one_line() -> None:
    """An incident's next record gets none when nothing in it is new to people, and a pending alert gets none."""
    reporter = EventReporter()
    assert [kind for kind, _ in reporter.lines(incident())] == ["incident", "cause"]
    assert list(reporter.lines(incident(seq=2))) == []
    assert [kind for kind, _ in reporter.lines(incident(seq=3, state="resolved"))] == ["incident"]
    assert list(reporter.lines(alert("replication_lag", "pending"))) == []
    assert [kind for kind, _ in reporter.lines(alert("replication_lag", "firing"))] == ["alert"]


def test_a_second_trigger_is_not_a_second_page() -> None:
    """PagerDuty pages once for a deduplication key."""
    reporter, page = EventReporter(), VendorEvent("pagerduty", "trigger", "inc_demo_1", "replay is blocked", "")
    texts = [text for _ in range(2) for _, text in reporter.lines(page)]
    assert texts == [
        "PagerDuty received a page: replay is blocked",
        "PagerDuty received an update of the page: replay is blocked",
    ]


def test_a_line_has_the_time_since_the_injection_and_no_foreign_control() -> None:
    """Before the injection there is none."""
    event = DemoEvent(EventKind.SENT, f"Slack received {HOSTILE}", at(3), 2.96)
    assert line(event) == "10:00:03    +3.0 s  sent      Slack received \\x1b[2J\\u202e<!channel>"
    assert line(changed(event, since_s=None)).startswith("10:00:03            sent")
    assert as_json(event) == {"kind": "told", "at": at(3), "since_s": 3.0, "text": f"Slack received {HOSTILE}"}


def painted(state: DemoState, width: int = 100, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, file=StringIO())
    with console.capture() as capture:
        console.print(render(state, at(30), width, height))
    return capture.get().splitlines()


def state_of(**fields: Any) -> DemoState:
    observed = everything("open")
    observed.add(alert("replication_stalled", "firing"))
    events = [DemoEvent(EventKind.OBSERVED, f"event {number}", at(number), float(number)) for number in range(100)]
    given = {
        "progress": Progress(POSTMORTEM),
        "observed": observed,
        "events": events,
        "since_s": 30.0,
        "receiver": "http://here",
        "console": "http://there",
    }
    return DemoState(**(given | fields))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40), (160, 60)])
def test_the_live_view_fits_the_terminal(width: int, height: int) -> None:
    """The newest events, the cause, the fix and the notifications are there at any size; the oldest events go first."""
    lines = painted(state_of(), width, height)
    assert len(lines) <= height
    text = "\n".join(lines)
    for part in (
        "30.0 s since the injection",
        "event 99",
        "pg-1 → pg-2",
        DUPLICATE,
        "fix  ",
        "Slack 2 messages, 2 edits",
    ):
        assert part in text
    assert "event 0\n" not in text


def test_a_long_fix_is_cut_and_the_rest_of_the_incident_shown() -> None:
    """On a small terminal: the cause in full, the beginning of the fix, and what is proven of the data."""
    observed = everything("open")
    steps = [Step(risk="careful", node="pg-4", text="Compare the local row with that of pg-1. " * 20)]
    observed.add(second(seq=9, causes=[cause(DUPLICATE, LOST, steps)]))
    observed.add(lost())
    text = "\n".join(painted(state_of(observed=observed), 80, 24))
    for part in (
        DUPLICATE,
        "(id=1000, id=1001)",
        "fix  ",
        "…",
        "data  pg-1 → pg-4  DIFFERENT  public.orders: 1 missing, 1 changed",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (verified(), "equal, 500 rows compared"),
        (verified(outcome="undecided", detail="nothing was compared yet"), "undecided: nothing was compared yet"),
        (lost(), "DIFFERENT  public.orders: 1 missing, 1 changed (id=1000, id=1001)"),
    ],
)
def test_the_live_view_says_what_is_proven_of_the_data(last: Verification, words: str) -> None:
    """One line for each link that is verified."""
    observed = everything("open")
    observed.add(last)
    assert f"data  pg-1 → pg-4  {words}" in painted(state_of(observed=observed))


def test_the_live_view_of_the_end_names_the_next_commands() -> None:
    """Times, commands, and the address where the messages can be read."""
    observed = everything()
    made = report(Progress(POSTMORTEM), observed, None, "18.6", []) | {"ok": True, "detected_after_s": 3.2}
    text = "\n".join(painted(state_of(observed=observed, report=made, files=("demo.json",))))
    for part in ("3.2 s", "from the injection to the incident", "demo.json", "leadline watch", "http://here", "Ctrl-C"):
        assert part in text


def test_foreign_text_cannot_paint() -> None:
    """Neither by markup nor by control characters."""
    observed = everything("open")
    observed.add(second(seq=9, title=f"demo: {HOSTILE}[red]"))
    text = "\n".join(painted(state_of(observed=observed)))
    assert "\\x1b[2J\\u202e<!channel>[red]" in text


def test_a_summary_names_what_is_missing() -> None:
    """And escapes what it quotes."""
    made = report(Progress(POSTMORTEM), Observed(), None, "18.6", []) | {"missing": [HOSTILE]}
    text = plain(made, ())
    assert text[0] == "Not every step was observed. Missing:"
    assert text[1] == "  \\x1b[2J\\u202e<!channel>"


def test_real_targets_are_notified_too() -> None:
    """Those that environment variables name become targets of their own, with all their settings; the settings load."""
    token, key = "xoxb-real-1", "f" * 32
    environ = {"LEADLINE_SLACK_TOKEN": token, "LEADLINE_SLACK_CHANNEL": "#real", "LEADLINE_PAGERDUTY_ROUTING_KEY": key}
    own = load(SinkSettings, None, environ).settings
    made = sink_settings("http://127.0.0.1:15001", "host=127.0.0.1", own, **PLACES)
    assert own_targets(own) == ("own-slack", "own-pagerduty")
    assert made["targets"]["own-slack"]["slack"]["token"] == token
    assert made["targets"]["own-pagerduty"]["pagerduty"]["url"] == "https://events.pagerduty.com"


def test_without_variables_only_the_receiver_is_notified(tmp_path: Path) -> None:
    """The settings are those of leadline sink."""
    made = sink_settings("http://127.0.0.1:15001", "host=127.0.0.1", SinkSettings(), **PLACES)
    file = tmp_path / "sink.yaml"
    file.write_bytes(msgspec.json.encode(made))
    assert load(SinkSettings, file, {}).settings.names() == ["slack", "pagerduty"]
    assert made["slack"]["api_url"] == "http://127.0.0.1:15001/api"


def test_messages_of_the_demo_lead_on() -> None:
    """They link the console, and the command that they print reaches the demo's Kafka."""
    notify = sink_settings("http://127.0.0.1:15001", "host=127.0.0.1", SinkSettings(), **PLACES)["notify"]
    assert notify["console_url"] == "http://127.0.0.1:15002"
    assert notify["acknowledge"] == "LEADLINE_KAFKA_BOOTSTRAP=127.0.0.1:15003 leadline incidents ack"


def test_the_live_view_shows_its_addresses_in_80_columns() -> None:
    """All the time, and at the end the variable that other commands need."""
    state = state_of(receiver="http://127.0.0.1:15001", console="http://127.0.0.1:15002", bootstrap="127.0.0.1:15003")
    *_, addresses, _ = painted(state, 80, 24)
    assert addresses.strip() == "console http://127.0.0.1:15002  ·  messages http://127.0.0.1:15001"
    state.report = report(state.progress, state.observed, at(0), "18.6", [])
    last = painted(state, 80, 24)[-1]
    assert last.strip() == "Ctrl-C ends it  ·  commands: export LEADLINE_KAFKA_BOOTSTRAP=127.0.0.1:15003"


@pytest.mark.parametrize(
    ("number", "page"),
    [(1, "/"), (3, "/audits"), (4, "/incident?id=inc_demo_1"), (8, "/postmortem?id=inc_demo_1")],
)
def test_a_picture_shows_the_page_of_its_step(number: int, page: str) -> None:
    """That of the newest incident; of the fleet while there is none."""
    state = DemoState(Progress(POSTMORTEM), Observed(), console="http://127.0.0.1:15002")
    assert page_of(state, number) == "http://127.0.0.1:15002" + ("/" if "=" in page else page)
    state.observed.add(incident())
    assert page_of(state, number) == f"http://127.0.0.1:15002{page}"


def test_the_live_view_shows_every_open_incident() -> None:
    """The newest in full, another one in a line; the picture of it has both."""
    observed = Observed()
    observed.add(incident())
    observed.add(second())
    drawn = svg(DemoState(progress_with(observed), observed), at(30))
    text = re.sub(r"<[^>]*>", "", drawn).replace("&#160;", " ")
    assert f"● demo: replay on pg-2 is blocked by a query  open, 30 s  {BLOCKED} 0.98" in " ".join(text.split("\n"))
    assert DUPLICATE in text

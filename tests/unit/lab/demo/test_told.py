"""What is told of a play: lines, the picture, the summary, the report."""

import json
from dataclasses import replace as changed
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from leadline import wire
from leadline.settings.load import load
from leadline.settings.sink import SinkSettings
from leadline_lab.demo.advice import statements
from leadline_lab.demo.demo_state import Scene
from leadline_lab.demo.events import Beat, Newsreader
from leadline_lab.demo.live_view import render
from leadline_lab.demo.observed import Arrival, Seen
from leadline_lab.demo.postmortem import BLOCKED, POSTMORTEM
from leadline_lab.demo.progress import Story
from leadline_lab.demo.report import draft_beside, report
from leadline_lab.demo.screen import as_json, line
from leadline_lab.demo.summary import plain
from leadline_lab.demo.targets import own_targets, sink_settings
from tests.unit.lab.demo.made import FIX, alert, at, everything, incident

HOSTILE = "\x1b[2J\u202e<!channel>"
FIELDS = {
    *("scenario", "ok", "broker", "postgres", "injected_at", "detected_after_s", "cause_named_after_s", "cause"),
    *("expected_cause", "pages_sent", "slack_messages", "incident_rows", "resolved_after_fix_s", "postmortem"),
}
"""Of the contract."""


def played(seen: Seen) -> Story:
    """The story as far as ``seen`` goes, a second for each look."""
    story, now = Story(POSTMORTEM), 0.0
    while not story.over and now < 500.0:
        if story.step is None:
            story.begin(now)
        list(story.look(seen, now))
        now += 1.0
    return story


def test_a_report_has_the_fields_of_the_contract() -> None:
    """And says what is missing of a play that was not seen to its end."""
    made = report(played(Seen()), Seen(), None, "18.6", None)
    assert made.keys() >= FIELDS
    assert (made["ok"], made["cause"], made["pages_sent"], made["detected_after_s"]) == (False, None, 0, None)
    assert made["missing"] == ["all 3 links are well and nothing is alerted"]


def test_a_report_of_what_was_seen(tmp_path: Path) -> None:
    """Counts, the cause, and where the draft is."""
    story = Story(POSTMORTEM)
    story.at = {"injected": 10.0, "detected": 13.25, "named": 14.0, "paged": 16.0, "fixed": 40.0, "resolved": 46.5}
    made = report(story, everything(), at(0), "18.6", tmp_path / "draft.md")
    read = json.loads(wire.encode(made))
    assert (read["detected_after_s"], read["cause_named_after_s"], read["resolved_after_fix_s"]) == (3.2, 4.0, 6.5)
    assert (read["cause"], read["pages_sent"], read["slack_messages"], read["incident_rows"]) == (BLOCKED, 1, 1, 1)
    assert (read["injected_at"], read["postmortem"]) == ("2026-04-10T10:00:00.000Z", str(tmp_path / "draft.md"))


@pytest.mark.parametrize(
    ("file", "draft"),
    [
        ("build/demo-report.json", "build/demo-postmortem.md"),
        ("report.json", "postmortem.md"),
        ("/x/mine.json", "/x/mine-postmortem.md"),
    ],
)
def test_the_draft_is_beside_the_report(file: str, draft: str) -> None:
    """Under a name of its own."""
    assert draft_beside(Path(file)) == Path(draft)


def test_a_fix_made_of_statements_can_be_run() -> None:
    """Node and statements in order; prose is nothing to run."""
    node, given = statements(FIX)
    assert (node, len(given)) == ("pg-2", 3)
    assert given[0] == "SELECT pg_terminate_backend(4711)"
    assert statements("On pg-4, database app: the log names the row. DELETE it.") == ("", [])
    assert statements("On pg-4: find who writes and REVOKE INSERT.")[1] == []


def test_news_is_told_once() -> None:
    """An incident's next record says nothing when nothing in it is new to people; pending alerts are no news."""
    reader = Newsreader()
    assert [kind for kind, _ in reader.read(incident())] == ["incident", "cause"]
    assert list(reader.read(incident(seq=2))) == []
    assert [kind for kind, _ in reader.read(incident(seq=3, state="resolved"))] == ["incident"]
    assert list(reader.read(alert("replication_lag", "pending"))) == []
    assert [kind for kind, _ in reader.read(alert("replication_lag", "firing"))] == ["alert"]


def test_a_second_trigger_is_not_a_second_page() -> None:
    """PagerDuty rings once for a deduplication key."""
    reader, page = Newsreader(), Arrival("pagerduty", "trigger", "inc_demo_1", "replay is blocked", "")
    texts = [text for _ in range(2) for _, text in reader.read(page)]
    assert texts == [
        "PagerDuty got a page: replay is blocked",
        "PagerDuty got an update of the page: replay is blocked",
    ]


def test_a_line_has_the_time_since_the_injection_and_no_foreign_control() -> None:
    """Before the injection there is none."""
    beat = Beat("told", f"Slack got {HOSTILE}", at(3), 2.96)
    assert line(beat) == "10:00:03    +3.0 s  told      Slack got \\x1b[2J\\u202e<!channel>"
    assert line(changed(beat, since_s=None)).startswith("10:00:03            told")
    assert as_json(beat) == {"kind": "told", "at": at(3), "since_s": 3.0, "text": f"Slack got {HOSTILE}"}


def painted(scene: Scene, width: int = 100, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, file=StringIO())
    with console.capture() as capture:
        console.print(render(scene, at(30), width, height))
    return capture.get().splitlines()


def scene(**fields: Any) -> Scene:
    seen = everything("open")
    seen.take(alert("replication_stalled", "firing"))
    beats = [Beat("saw", f"beat {number}", at(number), float(number)) for number in range(100)]
    given = {"story": Story(POSTMORTEM), "seen": seen, "beats": beats, "since_s": 30.0, "receiver": "http://here"}
    return Scene(**(given | fields))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 40), (160, 60)])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    """The newest beats, the cause and who was told are there at any size; the oldest beats go first."""
    lines = painted(scene(), width, height)
    assert len(lines) <= height
    text = "\n".join(lines)
    for part in ("30.0 s since the injection", "beat 99", "pg-1 → pg-2", BLOCKED, "Slack 1 message, 1 edit"):
        assert part in text
    assert "beat 0\n" not in text


def test_the_picture_of_the_end_says_what_next() -> None:
    """Times, what to do, and where the messages can be read."""
    seen = everything()
    made = report(Story(POSTMORTEM), seen, None, "18.6", None) | {"ok": True, "detected_after_s": 3.2}
    text = "\n".join(painted(scene(seen=seen, report=made, files=("demo.json",))))
    for part in ("3.2 s", "to the incident", "demo.json", "leadline watch", "http://here", "Ctrl-C"):
        assert part in text


def test_foreign_text_cannot_paint() -> None:
    """Neither by markup nor by control characters."""
    seen = everything("open")
    seen.take(incident(seq=9, title=f"demo: {HOSTILE}[red]"))
    text = "\n".join(painted(scene(seen=seen)))
    assert "\\x1b[2J\\u202e<!channel>[red]" in text


def test_a_summary_names_what_is_missing() -> None:
    """And escapes what it quotes."""
    made = report(Story(POSTMORTEM), Seen(), None, "18.6", None) | {"missing": [HOSTILE]}
    text = plain(made, ())
    assert text[0] == "Not everything was observed. Missing:"
    assert text[1] == "  \\x1b[2J\\u202e<!channel>"


def test_the_real_ones_are_told_too() -> None:
    """What the environment names becomes targets of their own, with all that is set; the settings load."""
    token, key = "xoxb-real-1", "f" * 32
    environ = {"LEADLINE_SLACK_TOKEN": token, "LEADLINE_SLACK_CHANNEL": "#real", "LEADLINE_PAGERDUTY_ROUTING_KEY": key}
    own = load(SinkSettings, None, environ).settings
    made = sink_settings("http://127.0.0.1:15001", "host=127.0.0.1", own)
    assert own_targets(own) == ("own-slack", "own-pagerduty")
    assert made["targets"]["own-slack"]["slack"]["token"] == token
    assert made["targets"]["own-pagerduty"]["pagerduty"]["url"] == "https://events.pagerduty.com"


def test_without_an_environment_only_the_receiver_is_told(tmp_path: Path) -> None:
    """Its settings are settings of leadline sink."""
    made = sink_settings("http://127.0.0.1:15001", "host=127.0.0.1", SinkSettings())
    file = tmp_path / "sink.yaml"
    file.write_bytes(msgspec.json.encode(made))
    assert load(SinkSettings, file, {}).settings.names() == ["slack", "pagerduty"]
    assert made["slack"]["api_url"] == "http://127.0.0.1:15001/api"

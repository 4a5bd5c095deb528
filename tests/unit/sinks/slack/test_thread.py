"""The timeline of an incident in its thread."""

import re
from datetime import timedelta

import pytest
from hypothesis import given

from leadline.model.incident import Incident, TimelineEntry
from leadline_lab.receiver.slack_message import complaint
from leadline_sinks.slack.thread import reply
from tests.unit.sinks import made
from tests.unit.strategies import values

NOW = made.later(14_400)


@pytest.mark.parametrize(
    ("occasion", "changes", "expected"),
    [
        ("updated", {}, "10:00:05 UTC  `replication_lag` fires: pg-2 is behind"),
        ("escalated", {"news": ()}, "*Escalated to critical*: orders: replay on pg-2 is blocked by a query"),
        ("acknowledged", {"news": (), "actions": (made.action(),)}, "10:00:33 UTC  `ada` acknowledged"),
        ("noted", {"news": (), "actions": (made.action("note"),)}, "10:00:33 UTC  `ada` noted: looking at it"),
        (
            "repeated",
            {"news": ()},
            "*Still open* after 4 h, not acknowledged: orders: replay on pg-2 is blocked by a query",
        ),
        (
            "resolved",
            {},
            "*Resolved* after 5 min\n10:00:05 UTC  `replication_lag` fires: pg-2 is behind",
        ),
        (
            "recurrence",
            {"news": (), "incident": made.resolved(9, recurrences=[made.recurrence()])},
            "*Can return*: PG-SBY-001 is violated again since 2026-04-11 11:00 UTC: pg-2 lets queries stop replay for "
            "ever; the measure was: Set `max_standby_streaming_delay` to a finite value on every standby.",
        ),
        ("updated", {"news": ()}, None),
    ],
)
def test_lines(occasion: str, changes: dict[str, object], expected: str | None) -> None:
    """One line for each event, with its time; no reply without events."""
    assert reply(made.notification(occasion, **changes), NOW) == expected


def test_in_the_order_of_time() -> None:
    """Actions are sorted in by time; of many lines, the newest are shown."""
    news = tuple(TimelineEntry(at=made.later(n), what=f"step {n}") for n in range(100))
    text = reply(made.notification("noted", news=news, actions=(made.action("note", at=made.later(98.5)),)), NOW)
    assert text is not None
    lines = text.split("\n")
    assert lines[0] == "… 81 earlier"
    assert lines[-2].endswith("noted: looking at it")
    assert lines[-1].endswith("step 99")


@given(values(Incident))
def test_slack_takes_every_reply(incident: Incident) -> None:
    """Replies are valid and hold no markup, whatever the texts."""
    news = tuple(TimelineEntry(at=NOW - timedelta(seconds=n), what=incident.title * 50) for n in range(40))
    for occasion in ("escalated", "repeated", "resolved"):
        text = reply(made.notification(occasion, incident=incident, news=news), NOW)
        assert text is not None
        assert complaint({"text": text}) is None
        assert len(text) <= 4000
        assert not re.search(r"[<>]", text)
        assert text.count("`") % 2 == 0

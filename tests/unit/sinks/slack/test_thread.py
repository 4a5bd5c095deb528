"""The life of an incident in its thread."""

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
        ("escalated", {"news": ()}, "*Now critical*: orders: replay on pg-2 is blocked by a query"),
        ("acknowledged", {"news": (), "actions": (made.action(),)}, "10:00:33 UTC  `ada` has taken it"),
        ("noted", {"news": (), "actions": (made.action("note"),)}, "10:00:33 UTC  `ada` notes: looking at it"),
        (
            "repeated",
            {"news": ()},
            "*Still open* after 4 h 00 min, nobody has taken it: orders: replay on pg-2 is blocked by a query",
        ),
        (
            "resolved",
            {},
            "*Resolved* after 5 min 00 s\n10:00:05 UTC  `replication_lag` fires: pg-2 is behind",
        ),
        ("updated", {"news": ()}, None),
    ],
)
def test_lines(occasion: str, changes: dict[str, object], expected: str | None) -> None:
    """A line for each thing that happened, with its time; none when nothing did."""
    assert reply(made.notice(occasion, **changes), NOW) == expected


def test_in_the_order_of_time() -> None:
    """What people did stands where it happened; of many lines the newest are shown."""
    news = tuple(TimelineEntry(at=made.later(n), what=f"step {n}") for n in range(100))
    said = reply(made.notice("noted", news=news, actions=(made.action("note", at=made.later(98.5)),)), NOW)
    assert said is not None
    lines = said.split("\n")
    assert lines[0] == "… 81 earlier"
    assert lines[-2].endswith("notes: looking at it")
    assert lines[-1].endswith("step 99")


@given(values(Incident))
def test_slack_takes_every_reply(incident: Incident) -> None:
    """Whatever happened."""
    news = tuple(TimelineEntry(at=NOW - timedelta(seconds=n), what=incident.title * 50) for n in range(40))
    for occasion in ("escalated", "repeated", "resolved"):
        said = reply(made.notice(occasion, incident=incident, news=news), NOW)
        assert said is not None
        assert complaint({"text": said}) is None
        assert len(said) <= 4000
        assert not re.search(r"[<>]", said)
        assert said.count("`") % 2 == 0

"""The counts of notifications."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from leadline_lab.receiver import pagerduty, slack
from leadline_lab.receiver.exchange import Event
from tests.faults.account import wrong
from tests.faults.notified import TITLE, Timeline, has_ended, has_opened, notified
from tests.unit.sinks import made

END = made.resolved(2)
ID = END.incident_id
REMARK = made.action(text="remark 1-0")
OTHER = {"event_payload": {"incident_id": "inc_other", "seq": 1}}
TIMELINE = Timeline(END, (REMARK,))
STARTS = [made.later(0), made.later(100)]


def message(kind: str, seq: int, at: float, parent: str) -> Event:
    """A message of Slack, or its edition."""
    about = {"event_payload": {"incident_id": ID, "seq": seq}}
    return Event(made.later(at), slack.VENDOR, kind, parent, {"channel": "C1", "metadata": about})


def thread(text: str, parent: str = "1") -> Event:
    return Event(made.later(20), slack.VENDOR, "reply", parent, {"channel": "C1", "text": text})


def page(kind: str, seq: int = 0, at: float = 10) -> Event:
    summary: dict[str, Any] = {"payload": {"summary": TITLE.format("orders", seq)}} if seq else {}
    return Event(made.later(at), pagerduty.VENDOR, kind, ID, summary)


FIRST = [message("post", 1, 10, "1"), page("trigger", 1)]
REST = [thread("10:00:20 UTC  `ada` has taken it: remark 1-0"), message("update", 2, 30, "1"), page("resolve")]
WHOLE = FIRST + REST


def counts(events: list[Event], starts: list[datetime] = STARTS) -> dict[str, int]:
    """The counts that must be zero and are not."""
    return wrong(notified(events, [TIMELINE], starts))


def test_a_complete_timeline() -> None:
    assert counts(WHOLE) == {}
    assert [has_opened(events, ID) for events in (FIRST[:1], FIRST)] == [False, True]
    assert [has_ended(events, END) for events in (FIRST, WHOLE)] == [False, True]
    assert not has_ended([*FIRST, page("resolve", 2)], END), "the end in PagerDuty is not the one in Slack"


@pytest.mark.parametrize(
    ("events", "found"),
    [
        (WHOLE[1:2] + WHOLE[4:], {"missing": 2}),
        ([*FIRST[:1], *REST[:2]], {"missing": 1}),
        ([*FIRST, *REST[1:]], {"missing": 1}),
        (WHOLE[:-1], {"unended": 1}),
        ([*FIRST, REST[0], REST[2]], {"unended": 1}),
        ([*WHOLE, page("trigger", 2)], {"unended": 1, "reopened": 1}),
        ([WHOLE[0], page("trigger", 2), *WHOLE[1:]], {"disordered_notifications": 1}),
        ([*WHOLE, message("update", 1, 40, "1"), message("update", 2, 41, "1")], {"disordered_notifications": 1}),
    ],
)
def test_what_is_wrong_is_counted(events: list[Event], found: dict[str, int]) -> None:
    """Silence, an open page or message, a page after the end, and an old notification after a newer one."""
    assert counts(events) == found


def test_a_message_that_comes_again() -> None:
    """A kill explains the last of a channel, by a later sink; all are counted. Lines and triggers may be repeated."""
    again = [*FIRST, page("trigger", 1), message("post", 1, 110, "2"), *REST, thread(REST[0].payload["text"], "2")]
    again.append(message("update", 2, 120, "2"))
    found = notified(again, [TIMELINE], STARTS)
    assert (found.messages_again, found.lines_again, found.pages_again, found.needless) == (1, 1, 1, 0)
    assert counts(again, STARTS[:1]) == {"needless": 1}
    other = replace(message("post", 1, 11, "9"), payload={"channel": "C1", "metadata": OTHER})
    assert counts([*again, other]) == {"needless": 1}
    twice = [*again, message("post", 2, 130, "3")]
    assert counts(twice) == {"needless": 1}
    assert counts(twice, [*STARTS, made.later(125)]) == {}

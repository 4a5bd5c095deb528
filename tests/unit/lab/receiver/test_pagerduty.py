"""The stand-in for PagerDuty: it takes what PagerDuty takes, and refuses the rest in PagerDuty's words."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_lab.receiver.pagerduty import CHANGE, ENQUEUE, UNKNOWN_KEY, alerts, answer, by_hand
from tests.unit.sinks import made

KEY = "a" * 32
DEEP = b'{"event_action":"trigger","payload":{"custom_details":{"a":' + b"[" * 5000
PAYLOAD = {"summary": "s", "source": "pg-1", "severity": "error"}
FULL = {
    "summary": "DISK at 99 %",
    "timestamp": "2015-07-17T08:42:58.315+0000",
    "severity": "critical",
    "source": "db.example.com",
    "component": "postgres",
    "group": "orders",
    "class": "disk",
    "custom_details": {"free space": "1 %", "load avg": 0.75, "nested": {"a": [1, None]}},
}


def post(body: Any, path: str = ENQUEUE, before: Any = (), at: Any = made.START) -> tuple[Reply, list[Event]]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return answer(Request(path, {"content-type": "application/json"}, data, at), before)


def act(action: str, key: str | None = "k", **more: Any) -> dict[str, Any]:
    dedup = {} if key is None else {"dedup_key": key}
    payload = {"payload": PAYLOAD} if action == "trigger" else {}
    return {"routing_key": KEY, "event_action": action, **dedup, **payload, **more}


def change(**more: Any) -> dict[str, Any]:
    return {"routing_key": KEY, "payload": {"summary": "s"}, **more}


FINE = [
    (ENQUEUE, act("trigger")),
    (ENQUEUE, act("trigger", None)),
    (ENQUEUE, act("acknowledge")),
    (ENQUEUE, act("resolve", payload=PAYLOAD)),
    (
        ENQUEUE,
        act(
            "trigger",
            payload=FULL,
            client="c",
            client_url="https://c.example",
            links=[{"href": "http://x.example", "text": "t"}, {"href": "https://y.example/z?q=1#f"}],
            images=[{"src": "https://x.example/i.png", "href": "http://x.example", "alt": "a"}],
        ),
    ),
    (CHANGE, change()),
    (
        CHANGE,
        change(payload={"summary": "s", "source": "x", "timestamp": "2026-04-10T10:00:00Z", "custom_details": {}}),
    ),
    (CHANGE, change(links=[{"href": "https://x.example"}])),
]

BAD = [
    (ENQUEUE, {}, "'event_action' is missing or blank"),
    (ENQUEUE, act("trigger", routing_key=KEY[1:]), "Length of 'routing_key' is incorrect (should be 32 characters)"),
    (ENQUEUE, act("trigger", routing_key=KEY + "a"), "Length of 'routing_key' is incorrect (should be 32 characters)"),
    (ENQUEUE, act("trigger", routing_key=1), "routing_key"),
    (ENQUEUE, act("trigger", routing_key=UNKNOWN_KEY), "Invalid routing key"),
    (ENQUEUE, {"routing_key": KEY, "dedup_key": "k"}, "'event_action' is missing or blank"),
    (ENQUEUE, act("page"), "event_action"),
    (ENQUEUE, {"routing_key": KEY, "event_action": "trigger"}, "'payload' is missing or blank"),
    (ENQUEUE, act("acknowledge", None), "'dedup_key' is missing or blank"),
    (ENQUEUE, act("resolve", None), "'dedup_key' is missing or blank"),
    (ENQUEUE, act("resolve", ""), "dedup_key"),
    (ENQUEUE, act("resolve", "k" * 256), "dedup_key"),
    (ENQUEUE, act("resolve", None, dedup_key=7), "dedup_key"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "summary": " "}), "payload.summary"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "summary": "s" * 1025}), "payload.summary"),
    (ENQUEUE, act("trigger", payload={"summary": "s", "severity": "info"}), "'payload.source' is missing or blank"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "source": ""}), "payload.source"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "severity": "fatal"}), "payload.severity"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "timestamp": "yesterday"}), "payload.timestamp"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "timestamp": "2026-04-10T10:00:00"}), "payload.timestamp"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "custom_details": "text"}), "payload.custom_details"),
    (ENQUEUE, act("trigger", payload={**PAYLOAD, "detail": {}}), "detail"),
    (ENQUEUE, act("trigger", payload=[]), "payload"),
    (ENQUEUE, act("trigger", links=[{"text": "t"}]), "href"),
    (ENQUEUE, act("trigger", links=[{"href": "javascript:alert(1)"}]), "href"),
    (ENQUEUE, act("trigger", links={}), "links"),
    (ENQUEUE, act("trigger", images=[{"src": "http://x.example/i.png"}]), "src"),
    (ENQUEUE, act("trigger", client=None), "client"),
    (ENQUEUE, act("trigger", extra=1), "extra"),
    (ENQUEUE, [], "object"),
    (CHANGE, {"routing_key": KEY}, "'payload' is missing or blank"),
    (CHANGE, change(payload={}), "'payload.summary' is missing or blank"),
    (CHANGE, change(payload={"summary": "s" * 1025}), "payload.summary"),
    (CHANGE, change(payload={"summary": "s", "severity": "info"}), "severity"),
    (CHANGE, change(dedup_key="k"), "dedup_key"),
    (CHANGE, change(routing_key="R" + KEY[1:]), "ruleset"),
]


@pytest.mark.parametrize(("path", "body"), FINE)
def test_taken(path: str, body: dict[str, Any]) -> None:
    """The examples of the documentation are accepted with 202, and the key of the sender is not kept."""
    reply, (event,) = post(body, path)
    assert reply.status == 202
    assert orjson.loads(reply.body)["status"] == "success"
    assert KEY not in repr(event)


@pytest.mark.parametrize(("path", "body", "problem"), BAD)
def test_refused(path: str, body: Any, problem: str) -> None:
    """An event that PagerDuty would refuse, or could do nothing with, is refused; the field is named."""
    reply, events = post(body, path)
    assert reply.status == 400
    answered = orjson.loads(reply.body)
    assert (answered["status"], answered["message"]) == ("invalid event", "Event object is invalid")
    assert problem in answered["errors"][0]
    assert reply.problem == answered["errors"][0]
    assert events == []


@pytest.mark.parametrize("letter", ["x", "𝔸"])
def test_at_each_limit(letter: str) -> None:
    """Lengths are counted in characters, the longest allowed is taken."""
    assert post(act("trigger", letter * 255, payload={**PAYLOAD, "summary": letter * 1024}))[0].status == 202


def test_too_large() -> None:
    """512 000 bytes are taken, one more is not."""
    body = orjson.dumps(act("trigger", payload={**PAYLOAD, "custom_details": {"x": ""}}))
    room = 512_000 - len(body)
    whole = body.replace(b'"x":""', b'"x":"' + b"y" * room + b'"')
    assert len(whole) == 512_000
    assert post(whole)[0].status == 202
    assert post(whole.replace(b"y", b"yy", 1))[0].status == 413


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"routing_key=x", DEEP])
def test_what_is_no_json(body: bytes) -> None:
    """As PagerDuty's document shows it."""
    reply, _ = post(body)
    assert reply.status == 400
    assert orjson.loads(reply.body)["errors"] == ["JSON parse error"]


def test_another_path() -> None:
    """There are two operations."""
    assert post(act("trigger"), "/v2/other")[0].status == 404


def test_a_key_is_made_where_none_is_given() -> None:
    """And returned, so that the alert can be resolved; each trigger has its own."""
    reply, first = post(act("trigger", None))
    _, second = post(act("trigger", None), before=first)
    assert orjson.loads(reply.body)["dedup_key"] == first[0].key != second[0].key


def test_too_many() -> None:
    """480 events in a minute are taken; the next one after that has to wait for the first to be a minute old."""
    before = [Event(made.later(0), "pagerduty", "trigger", "k", {})] * 480
    reply, events = post(act("trigger"), before=before, at=made.later(59))
    assert (reply.status, events) == (429, [])
    assert post(act("trigger"), before=before, at=made.later(60))[0].status == 202
    others = [Event(made.later(0), "slack", "post", "k", {})] * 480
    assert post(act("trigger"), before=others, at=made.later(59))[0].status == 202


def life(*actions: str) -> list[Event]:
    events: list[Event] = []
    for number, action in enumerate(actions):
        events += post(act(action), before=events, at=made.later(number))[1]
    return events


@pytest.mark.parametrize(
    ("actions", "states"),
    [
        (["trigger"], ["triggered"]),
        (["trigger", "trigger"], ["triggered"]),
        (["trigger", "acknowledge"], ["acknowledged"]),
        (["trigger", "acknowledge", "trigger"], ["acknowledged"]),
        (["trigger", "resolve"], ["resolved"]),
        (["trigger", "resolve", "resolve", "acknowledge"], ["resolved"]),
        (["trigger", "resolve", "trigger"], ["resolved", "triggered"]),
        (["acknowledge", "resolve"], []),
        (["resolve", "trigger"], ["triggered"]),
    ],
)
def test_the_life_of_an_alert(actions: list[str], states: list[str]) -> None:
    """A trigger after the end opens another alert; what is not open can neither be taken nor ended."""
    assert [alert.state for alert in alerts(life(*actions))] == states


@given(st.lists(st.sampled_from(["trigger", "acknowledge", "resolve"]), max_size=8))
def test_alerts_follow_triggers(actions: list[str]) -> None:
    """There is one alert for the first trigger and one for each that follows an end, and each began with a trigger."""
    seen = alerts(life(*actions))
    assert [alert.log[0].kind for alert in seen] == ["trigger"] * len(seen)
    assert all(alert.state == "resolved" for alert in seen[:-1])
    assert [alert.opened_at for alert in seen] == sorted({alert.opened_at for alert in seen})


@pytest.mark.parametrize(
    ("before", "action", "after", "states"),
    [
        (["trigger"], "resolve", ["trigger"], ["resolved", "triggered"]),
        (["trigger"], "resolve", ["acknowledge", "resolve"], ["resolved"]),
        (["trigger"], "acknowledge", ["trigger"], ["acknowledged"]),
        (["trigger", "acknowledge"], "resolve", ["trigger", "trigger"], ["resolved", "triggered"]),
    ],
)
def test_by_hand(before: list[str], action: str, after: list[str], states: list[str]) -> None:
    """The actions of people count as much as events do: a trigger opens another alert after the end only."""
    events = life(*before)
    reply, done = by_hand(encode({"key": "k", "action": action}), made.later(9), events)
    assert reply.status == 200
    events += done
    for each in after:
        events += post(act(each), before=events, at=made.later(10))[1]
    assert [alert.state for alert in alerts(events)] == states


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"key": "another", "action": "resolve"}, 404),
        ({"key": "k", "action": "reopen"}, 400),
        ({"action": "resolve"}, 400),
        (None, 400),
    ],
)
def test_what_nobody_can_do_by_hand(given: Any, status: int) -> None:
    """An alert that is not open can be neither acknowledged nor resolved, and none can be opened again."""
    reply, done = by_hand(encode(given), made.later(9), life("trigger"))
    assert (reply.status, done) == (status, [])
    assert by_hand(encode({"key": "k", "action": "resolve"}), made.later(9), life("trigger", "resolve"))[1] == []


def test_changes_are_no_alerts() -> None:
    """They stand beside them."""
    _, events = post(change(), CHANGE, at=made.START + timedelta(seconds=1))
    assert [event.kind for event in events] == ["change"]
    assert alerts(events) == []

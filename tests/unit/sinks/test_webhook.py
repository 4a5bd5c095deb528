"""Webhooks: signed CloudEvents that the code of the how-to page verifies."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from msgspec.structs import replace

from leadline.clock import ManualClock
from leadline.model.incident import Incident
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import WebhookSettings
from leadline.wire import encode
from leadline_lab.receiver.exchange import Event, Request
from leadline_lab.receiver.hook import answer
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, Notification, Reason, Retry, Sent, Sink
from leadline_sinks.webhook import WebhookSink, event, fitting, signed
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance
from tests.unit.strategies import values

URL = "https://hooks.example.com/path-that-is-secret"
KEY = "signing-key-of-the-test"
PAGE = Path(__file__).parents[3] / "docs/how-to/receive-webhooks.md"


class Hook:
    """The receiver behind a transport."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.requests: list[Request] = []
        self.problems: list[str] = []
        self.clock = ManualClock(made.START)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = Request(request.url.path, headers, request.content, self.clock.now())
        self.requests.append(given)
        reply, events = answer(given, self.events)
        self.events += events
        if reply.problem:
            self.problems.append(reply.problem)
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)


def sink(http: Http, clock: ManualClock, key: str = KEY, url: str = URL) -> WebhookSink:
    return WebhookSink(WebhookSettings(url=Secret(url), signing_key=Secret(key)), NotifySettings(), http, clock)


def over(hook: Hook, key: str = KEY) -> WebhookSink:
    return sink(Http(hook.clock, httpx.MockTransport(hook)), hook.clock, key)


class TestWebhook(Conformance):
    """Against the receiver."""

    secrets = (KEY, URL, "path-that-is-secret")

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return sink(http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return Hook()(request)

    def begins(self, request: httpx.Request) -> bool:
        """Never: a receiver recognizes a duplicate event by its id."""
        return False


async def test_a_lifecycle() -> None:
    """Each occasion is one event."""
    hook = Hook()
    receipt: Mapping[str, str] = {}
    for notification in made.life():
        outcome = await over(hook).deliver(made.with_receipt(notification, receipt))
        assert isinstance(outcome, Sent)
        receipt = outcome.receipt
    assert [sent.kind for sent in hook.events] == [notification.occasion for notification in made.life()]
    assert hook.problems == []


async def test_the_same_notification_is_the_same_event() -> None:
    """A notification that is repeated after a crash has the same id, and the receiver ignores it."""
    hook = Hook()
    notification = made.notification()
    await over(hook).deliver(notification)
    hook.clock.advance(60)
    await over(hook).deliver(notification)
    assert len(hook.events) == 1
    first, second = hook.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]


async def test_reminders_and_notes_about_one_record_are_new_events() -> None:
    """They differ although the record is the same."""
    hook = Hook()
    receipt: Mapping[str, str] = {}
    about = made.incident(3)
    for occasion, actions in [
        ("repeated", ()),
        ("repeated", ()),
        ("noted", (made.action("note", 1),)),
        ("noted", (made.action("note", 2),)),
    ]:
        notification = made.notification(occasion, incident=about, actions=actions, receipt=receipt)
        outcome = await over(hook).deliver(notification)
        assert isinstance(outcome, Sent)
        receipt = outcome.receipt
    assert len(hook.events) == 4


async def test_a_new_note_makes_another_event() -> None:
    """A retry that includes a new note is no duplicate of the first attempt."""
    hook = Hook()
    about = made.incident(3)
    await over(hook).deliver(made.notification("noted", incident=about, actions=(made.action("note", 1),)))
    more = (made.action("note", 1), made.action("note", 2))
    await over(hook).deliver(made.notification("noted", incident=about, actions=more))
    assert len(hook.events) == 2


async def test_the_content_of_an_event() -> None:
    """CloudEvents 1.0 in structured mode: the whole incident, and what is new."""
    hook = Hook()
    await over(hook).deliver(made.notification("noted", actions=(made.action("note"),)))
    (request,) = hook.requests
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    sent = orjson.loads(request.body)
    assert sent.pop("id").startswith(f"{made.incident().incident_id}:1:noted:")
    data = sent.pop("data")
    assert sent == {
        "specversion": "1.0",
        "source": "/streams/orders",
        "type": "io.leadline.notice.v1",
        "time": "2026-04-10T10:00:33.120Z",
        "subject": made.incident().incident_id,
        "datacontenttype": "application/json",
    }
    assert data["occasion"] == "noted"
    assert data["incident"]["causes"][0]["code"] == "standby_query_blocks_replay"
    assert [action["by"] for action in data["actions"]] == ["ada"]
    assert (data["key"], data["earlier_keys"]) == (data["incident"]["incident_id"], [])
    assert data["headline"] == "orders: replay on pg-2 is blocked by a query; since 10:00 UTC"
    assert data["runbooks"] == []
    linked = event(made.notification(), 0, NotifySettings(runbook_url="https://wiki.example.org/"))["data"]
    assert linked["runbooks"] == ["https://wiki.example.org/docs/runbooks/replication_lag.md"]


async def test_the_key_of_an_alert() -> None:
    """It is another one when people are to be notified again; the earlier ones are named, to be closed."""
    hook = Hook()
    await over(hook).deliver(made.notification("cause_changed", rang=(1, 3)))
    data = orjson.loads(hook.requests[0].body)["data"]
    ident = made.incident().incident_id
    assert (data["key"], data["earlier_keys"]) == (f"{ident}#3", [ident])


@pytest.mark.slow
@pytest.mark.parametrize("name", [*made.HOSTILE, "\0" * 10_000], ids=lambda name: ascii(name[:12]))
def test_every_event_fits(name: str) -> None:
    """Texts and lists are cut as far as 64 KiB require, and the event is marked as shortened."""
    about = replace(made.hostile(name), labels={f"{number}{name}": name for number in range(100)}, rules=[name] * 50)
    actions = tuple(made.action("note", number, by="ada", text=name[:4000]) for number in range(50))
    notification = Notification(about, "noted", tuple(about.timeline), tuple(about.changes), actions)
    cloud_event = event(notification, 0, NotifySettings())
    body = fitting(cloud_event)
    assert len(body) <= 64 * 1024
    sent = orjson.loads(body)
    assert sent["subject"] == sent["data"]["incident"]["incident_id"]
    assert ("shortened" in sent["data"]) is (len(encode(cloud_event)) > 64 * 1024)
    assert sent["data"]["incident"]["causes"][0]["code"] == "standby_query_blocks_replay"
    assert sent["data"]["actions"][-1]["action_id"] == "act_49"


def test_an_event_that_fits_is_not_cut() -> None:
    """At 64 KiB nothing is cut; one byte above, the longest text is."""
    cloud_event = event(made.notification(incident=made.incident(causes=[made.cause(summary="")])), 0, NotifySettings())
    room = 64 * 1024 - len(fitting(cloud_event))
    whole = event(
        made.notification(incident=made.incident(causes=[made.cause(summary="x" * room)])), 0, NotifySettings()
    )
    assert len(fitting(whole)) == 64 * 1024
    assert "shortened" not in orjson.loads(fitting(whole))["data"]
    cut = orjson.loads(
        fitting(
            event(
                made.notification(incident=made.incident(causes=[made.cause(summary="x" * (room + 1))])),
                0,
                NotifySettings(),
            )
        )
    )
    assert cut["data"]["shortened"]
    assert cut["data"]["incident"]["causes"][0]["summary"] == "x" * 1999 + "…"
    assert cut["data"]["incident"]["timeline"] == orjson.loads(fitting(whole))["data"]["incident"]["timeline"]


@given(values(Incident))
def test_every_incident_is_an_event(incident: Incident) -> None:
    """The receiver accepts it, whatever it contains."""
    cloud_event = event(Notification(incident, "opened"), 0, NotifySettings())
    body = encode(cloud_event)
    at_s = int(made.START.timestamp())
    headers = {"content-type": "application/cloudevents+json", **signed(cloud_event["id"], at_s, body, [b"k"])}
    reply, _ = answer(Request("/", headers, body, made.START), [])
    assert reply.problem is None


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """HMAC-SHA256 over id, seconds and body, joined by full stops, in base64 after the scheme's version."""
    headers = signed("an.id", 1674087231, b'{"a":1}', [b"key"])
    assert re.fullmatch(r"msg_[0-9a-f]{32}", headers["webhook-id"])
    mac = hmac.new(b"key", headers["webhook-id"].encode() + b'.1674087231.{"a":1}', hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac.digest()).decode()


async def test_two_keys_while_one_is_replaced(tmp_path: Path) -> None:
    """A request has the signatures of both, so a receiver takes it with either: with one, each event between the two
    changes was refused (sandbaseai/sandbase-harness issue 325, Pulsefy/QuickEx issue 816, resend/resend-openapi pull
    request 114). A junk signature beside them is no error."""
    file = tmp_path / "keys"
    file.write_text(f"the new key\n{KEY}\n")
    hook = Hook()
    clock = hook.clock
    url = Secret("https://events.example.com/x")
    settings = WebhookSettings(url=url, signing_key=Secret.in_file(file))
    to = WebhookSink(settings, NotifySettings(), Http(clock, httpx.MockTransport(hook)), clock)
    assert isinstance(await to.deliver(made.notification()), Sent)
    (request,) = hook.requests
    verify, now = page_code()["verify"], request.at.timestamp()
    junk = {**request.headers, "webhook-signature": f"v1,ü {request.headers['webhook-signature']}"}
    for key in ("the new key", KEY):
        for headers in (request.headers, junk):
            assert verify(headers, request.body, key, now)["subject"] == made.incident().incident_id
    with pytest.raises(ValueError, match="signature"):
        verify(request.headers, request.body, f"the new key\n{KEY}", now)


def page_code() -> dict[str, Any]:
    """The names that the code of the how-to page defines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names


@pytest.mark.parametrize("key", [KEY, "whsec_" + base64.b64encode(b"\x00\xff" * 16).decode()])
async def test_the_page_verifies_what_is_sent(key: str) -> None:
    """The code of the how-to page accepts our requests, and none that is changed, old, or signed with another key."""
    verify = page_code()["verify"]
    hook = Hook()
    await over(hook, key).deliver(made.notification())
    (request,) = hook.requests
    now = request.at.timestamp()
    assert verify(request.headers, request.body, key, now)["subject"] == made.incident().incident_id
    with pytest.raises(ValueError, match="signature"):
        verify(request.headers, request.body.replace(b"orders", b"others"), key, now)
    with pytest.raises(ValueError, match="signature"):
        verify({**request.headers, "webhook-id": "msg_other"}, request.body, key, now)
    with pytest.raises(ValueError, match="signature"):
        verify(request.headers, request.body, "another key", now)
    with pytest.raises(ValueError, match="old"):
        verify(request.headers, request.body, key, now + 301)
    rotated = {**request.headers, "webhook-signature": "v1,AAAA " + request.headers["webhook-signature"]}
    assert verify(rotated, request.body, key, now)


async def test_a_key_that_is_not_base64() -> None:
    """The delivery is retried as unauthorized, and the key is not shown."""
    outcome = await over(Hook(), "whsec_not*base64").deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is Reason.UNAUTHORIZED
    assert "not*base64" not in outcome.detail


@pytest.mark.parametrize(
    ("status", "expected", "reason"),
    [
        (400, GiveUp, Reason.REJECTED),
        (401, Retry, Reason.UNAUTHORIZED),
        (403, Retry, Reason.UNAUTHORIZED),
        (404, Retry, Reason.TARGET_GONE),
        (408, Retry, Reason.UNAVAILABLE),
        (410, Retry, Reason.TARGET_GONE),
        (413, GiveUp, Reason.REJECTED),
        (422, GiveUp, Reason.REJECTED),
        (425, Retry, Reason.UNAVAILABLE),
        (429, Retry, Reason.RATE_LIMITED),
        (307, Retry, Reason.TARGET_GONE),
        (503, Retry, Reason.UNAVAILABLE),
    ],
)
async def test_statuses(status: int, expected: Any, reason: Reason) -> None:
    """Each status gives the correct outcome."""
    clock = ManualClock(made.START)
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text="not repeated"))
    outcome = await sink(Http(clock, transport), clock).deliver(made.notification())
    assert isinstance(outcome, expected)
    assert outcome.reason is reason
    assert "not repeated" not in outcome.detail


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success(status: int) -> None:
    """The body of a successful response does not matter."""
    clock = ManualClock(made.START)
    tested = sink(Http(clock, httpx.MockTransport(lambda _: httpx.Response(status, text="{"))), clock)
    assert isinstance(await tested.deliver(made.notification()), Sent)


@pytest.mark.parametrize(
    ("headers", "body", "at_s", "status", "problem"),
    [
        ({"webhook-id": ""}, None, 0, 401, "webhook-id"),
        ({"webhook-id": "a.b"}, None, 0, 401, "webhook-id"),
        ({"webhook-timestamp": "soon"}, None, 0, 401, "webhook-timestamp"),
        ({}, None, 301, 401, "webhook-timestamp"),
        ({}, None, -302, 401, "webhook-timestamp"),
        ({"webhook-signature": "v1,short"}, None, 0, 401, "webhook-signature"),
        ({"webhook-signature": ""}, None, 0, 401, "webhook-signature"),
        ({"content-type": "application/json"}, None, 0, 415, "cloudevents"),
        ({"content-type": ""}, None, 0, 415, "missing"),
        ({}, b"{", 0, 400, "truncated"),
        ({}, b"[" * 5000, 0, 400, ""),
        ({}, b"{}", 0, 400, "specversion"),
        ({}, b'{"specversion":"1.0","id":"","source":"s","type":"t","data":{}}', 0, 400, "id"),
        ({}, b'{"specversion":"0.3","id":"i","source":"s","type":"t","data":{}}', 0, 400, "1.0"),
    ],
)
async def test_the_receiver_rejects(headers: Any, body: Any, at_s: int, status: int, problem: str) -> None:
    """Requests that are unsigned, old or no CloudEvent are rejected, with the reason."""
    hook = Hook()
    await over(hook).deliver(made.notification())
    (fine,) = hook.requests
    at = fine.at + timedelta(seconds=at_s)
    reply, events = answer(Request("/", {**fine.headers, **headers}, fine.body if body is None else body, at), [])
    assert reply.status == status
    assert problem in (reply.problem or "")
    assert events == []

"""The sink against scripted responses. tests/integration/sinks tests it against the receiver."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from leadline.clock import ManualClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import SlackSettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Notification, Reason, Retry, Sent, Sink
from leadline_sinks.slack.sink import SlackSink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance
from tests.unit.sinks.notify.test_silence_announcements import silence

TOKEN = "xoxb-123-secret"
WEBHOOK = "https://hooks.example/services/T0/B0/secret"
BOT = SlackSettings(token=Secret(TOKEN), channel="#dba", api_url="https://slack.example/api")


def ok(request: httpx.Request) -> httpx.Response:
    """A successful response of the Web API."""
    return httpx.Response(200, json={"ok": True, "channel": "C0DBA1234", "ts": "1775815203.000100"})


class TestBot(Conformance):
    """With a bot token."""

    secrets = (TOKEN,)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return SlackSink(BOT, NotifySettings(), http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return ok(request)

    def begins(self, request: httpx.Request) -> bool:
        return request.url.path.endswith("postMessage") and "thread_ts" not in json.loads(request.content)


class TestWebhook(Conformance):
    """With an incoming webhook, where each notification is a new message."""

    secrets = (WEBHOOK,)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return SlackSink(SlackSettings(webhook_url=Secret(WEBHOOK)), NotifySettings(), http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="ok")

    def begins(self, request: httpx.Request) -> bool:
        return "WARNING" in json.loads(request.content)["text"]


class Slack:
    """Gives the scripted answers in order, then successful ones; keeps the requests."""

    def __init__(self, *answers: str | httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
        if not self.answers:
            return ok(request)
        answer = self.answers.pop(0)
        return (
            answer if isinstance(answer, httpx.Response) else httpx.Response(200, json={"ok": False, "error": answer})
        )

    @property
    def methods(self) -> list[str]:
        return [f"reply{' to all' if body.get('reply_broadcast') else ''}" if "thread_ts" in body else method
                for method, body in self.requests]  # fmt: skip


Make = Callable[[Slack], SlackSink]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(made.later(60))


@pytest.fixture
def make(clock: ManualClock) -> Make:
    return lambda slack: SlackSink(BOT, NotifySettings(), Http(clock, httpx.MockTransport(slack)), clock)


async def posted(sink: SlackSink) -> Mapping[str, str]:
    outcome = await sink.deliver(made.notification("opened", incident=made.incident(1, severity="warning")))
    assert isinstance(outcome, Sent)
    return outcome.receipt


async def test_a_lifecycle(make: Make) -> None:
    """One message, which is edited where it changes, and a reply in the thread for each later notification."""
    slack = Slack()
    sink, receipt = make(slack), {}
    for notification in made.life():
        outcome = await sink.deliver(made.with_receipt(notification, receipt))
        assert isinstance(outcome, Sent)
        receipt = dict(outcome.receipt)
    edit = "chat.update"
    assert slack.methods == [
        *("chat.postMessage", edit, "reply", edit, "reply to all", edit, "reply"),
        *("reply", edit, "reply to all", edit, "reply", edit, "reply to all"),
    ]


async def test_what_is_sent(make: Make) -> None:
    """Channel, mobile notification, blocks, no unfurling, no guessed links, and metadata for programs."""
    slack = Slack()
    await posted(make(slack))
    ((_, body),) = slack.requests
    assert body["channel"] == "#dba"
    assert body["text"] == "🟠 WARNING orders: replay on pg-2 is blocked by a query; since 10:00 UTC"
    assert body["blocks"][0]["type"] == "header"
    assert (body["unfurl_links"], body["unfurl_media"], body["parse"], body["link_names"]) == (
        *(False, False, "none", False),
    )
    assert body["metadata"]["event_payload"] == {"incident_id": made.incident().incident_id, "seq": 1}


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_message_that_cannot_be_edited(make: Make, error: str) -> None:
    """A new message replaces it."""
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = [error, httpx.Response(200, json={"ok": True, "channel": "C0DBA1234", "ts": "9.1"})]
    outcome = await sink.deliver(made.with_receipt(made.notification("escalated"), receipt))
    assert isinstance(outcome, Sent)
    assert outcome.receipt["ts"] == "9.1"
    assert slack.methods == ["chat.postMessage", "chat.update", "chat.postMessage"]


async def test_a_deleted_message_with_a_note(make: Make) -> None:
    """The note is in the thread of the new message."""
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = ["message_not_found"]
    await sink.deliver(made.with_receipt(made.notification("noted", actions=(made.action("note"),)), receipt))
    assert slack.methods[-2:] == ["chat.postMessage", "reply"]


async def test_rejected_blocks(make: Make) -> None:
    """The full message, then a short one, then one without blocks; then the notification is given up."""
    slack = Slack("invalid_blocks", "msg_blocks_too_long")
    assert isinstance(await make(slack).deliver(made.notification()), Sent)
    whole, short, plain = (body for _, body in slack.requests)
    assert len(whole["blocks"]) > len(short["blocks"]) > len(plain["blocks"]) == 0
    assert "SELECT pg_terminate_backend(4711);" in plain["text"]
    outcome = await make(Slack(*["invalid_blocks"] * 3)).deliver(made.notification())
    assert isinstance(outcome, GiveUp)
    assert outcome.reason is Reason.REJECTED


async def test_a_token_that_may_not_set_metadata(make: Make) -> None:
    """The message is sent without metadata, and is otherwise the same."""
    slack = Slack("metadata_must_be_sent_from_app")
    assert isinstance(await make(slack).deliver(made.notification()), Sent)
    (_, first), (_, second) = slack.requests
    assert first.pop("metadata")
    assert first == second


async def test_an_unknown_error(make: Make) -> None:
    """After the simplest form the notification is retried later."""
    slack = Slack(*["something_new"] * 3)
    assert isinstance(await make(slack).deliver(made.notification()), Retry)
    assert len(slack.requests) == 3


async def test_the_thread_is_limited(make: Make) -> None:
    """The next attempt does not repeat the edit."""
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = [ok(httpx.Request("POST", "x:")), httpx.Response(429, headers={"retry-after": "3"})]
    outcome = await sink.deliver(made.with_receipt(made.notification("escalated"), receipt))
    assert isinstance(outcome, Retry)
    assert outcome.after_s == 3
    assert outcome.receipt is not None
    assert isinstance(await sink.deliver(made.with_receipt(made.notification("escalated"), outcome.receipt)), Sent)
    assert slack.methods == ["chat.postMessage", "chat.update", "reply to all", "reply to all"]


async def test_a_rejected_reply(make: Make) -> None:
    """The delivery counts as sent, since the message holds the state."""
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = [ok(httpx.Request("POST", "x:")), "msg_too_long"]
    assert isinstance(await sink.deliver(made.with_receipt(made.notification("escalated"), receipt)), Sent)


async def test_webhook_messages(clock: ManualClock) -> None:
    """The first notification, an escalation, a reminder, the end and a recurrence are messages; nothing else is."""
    sent = []

    def hook(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["text"].split(" ")[1])
        return httpx.Response(200, text="ok")

    settings = SlackSettings(webhook_url=Secret(WEBHOOK))
    sink = SlackSink(settings, NotifySettings(), Http(clock, httpx.MockTransport(hook)), clock)
    receipt: Mapping[str, str] = {}
    for notification in made.life():
        before = len(sent)
        outcome = await sink.deliver(made.with_receipt(notification, receipt))
        assert isinstance(outcome, Sent if len(sent) > before else NothingNew)
        receipt = outcome.receipt
    assert sent == ["WARNING", "CRITICAL", "CRITICAL", "RESOLVED", "RESOLVED"]


def of_silence(receipt: Mapping[str, str]) -> Notification:
    """The message is to show a silence of this incident."""
    quiet = silence(begin_s=10, matchers={"incident": made.incident().incident_id})
    notification = made.notification("silenced", incident=made.incident(1, severity="warning"))
    return dataclasses.replace(notification, silence=quiet, receipt=dict(receipt))


async def test_a_silence_is_shown_by_an_edit(make: Make) -> None:
    """With a reply about how to end it, since it is of this incident alone."""
    slack = Slack()
    sink = make(slack)
    outcome = await sink.deliver(of_silence(await posted(sink)))
    assert isinstance(outcome, Sent)
    assert slack.methods == ["chat.postMessage", "chat.update", "reply"]


@pytest.mark.parametrize("refusal", ["message_not_found", "edit_window_closed", "is_archived", "invalid_blocks", "new"])
async def test_a_silence_that_cannot_be_shown_is_not_posted_either(make: Make, refusal: str) -> None:
    """The message is deleted, or its channel is archived, or a retention policy forbids edits: a message of its own
    would notify people in the silence. Later notifications find for themselves whether they can be sent.
    """
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = [refusal] * 4
    assert await sink.deliver(of_silence(receipt)) == NothingNew(receipt)
    assert set(slack.methods[1:]) == {"chat.update"}


@pytest.mark.parametrize("receipt", [{}, {"shown": "of a webhook"}, {"ts": "forged", "channel": "C0DBA1234"}])
async def test_a_silence_without_a_message(make: Make, receipt: dict[str, str]) -> None:
    """It was sent by an incoming webhook, before the token was set: there is nothing to edit."""
    slack = Slack()
    assert await make(slack).deliver(of_silence(receipt)) == NothingNew(receipt)
    assert slack.requests == []


async def test_a_reply_about_a_silence_is_not_repeated(make: Make) -> None:
    """The message shows it already."""
    slack = Slack()
    sink = make(slack)
    receipt = await posted(sink)
    slack.answers = [ok(httpx.Request("POST", "https://slack.example")), httpx.Response(503)]
    assert isinstance(await sink.deliver(of_silence(receipt)), Sent)


def test_an_incoming_webhook_shows_no_silences(clock: ManualClock) -> None:
    """Its messages cannot be edited, so it is sent the announcements."""
    for settings, expected in ((BOT, True), (SlackSettings(webhook_url=Secret(WEBHOOK)), False)):
        assert SlackSink(settings, NotifySettings(), Http(clock), clock).shows_silences is expected

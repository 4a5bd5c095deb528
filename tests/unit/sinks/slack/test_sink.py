"""The sink against answers made up here; tests/integration/sinks has it against the receiver."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from leadline.clock import ManualClock
from leadline.settings.secret import Secret
from leadline.settings.sink import NotifySettings, SlackSettings
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, Notice, Reason, Retry, Sent, Sink
from leadline_sinks.slack.sink import SlackSink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance

TOKEN = "xoxb-123-secret"
WEBHOOK = "https://hooks.example/services/T0/B0/secret"
BOT = SlackSettings(token=Secret(TOKEN), channel="#dba", api_url="https://slack.example/api")


def ok(request: httpx.Request) -> httpx.Response:
    """A fine answer of the Web API."""
    return httpx.Response(200, json={"ok": True, "channel": "C0DBA1234", "ts": "1775815203.000100"})


class TestBot(Conformance):
    """With a token."""

    secrets = (TOKEN,)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return SlackSink(BOT, NotifySettings(), http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return ok(request)

    def begins(self, request: httpx.Request) -> bool:
        return request.url.path.endswith("postMessage") and "thread_ts" not in json.loads(request.content)


class TestWebhook(Conformance):
    """With an incoming webhook, where each word is a message of its own; only the first begins something."""

    secrets = (WEBHOOK,)

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return SlackSink(SlackSettings(webhook_url=Secret(WEBHOOK)), NotifySettings(), http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="ok")

    def begins(self, request: httpx.Request) -> bool:
        return "WARNING" in json.loads(request.content)["text"]


class Slack:
    """Answers with what it is told, in order, then well; keeps what it was asked."""

    def __init__(self, *answers: str | httpx.Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
        if not self.answers:
            return ok(request)
        told = self.answers.pop(0)
        return told if isinstance(told, httpx.Response) else httpx.Response(200, json={"ok": False, "error": told})

    @property
    def methods(self) -> list[str]:
        return [f"reply{' to all' if body.get('reply_broadcast') else ''}" if "thread_ts" in body else method
                for method, body in self.asked]  # fmt: skip


Make = Callable[[Slack], SlackSink]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(made.later(60))


@pytest.fixture
def make(clock: ManualClock) -> Make:
    return lambda slack: SlackSink(BOT, NotifySettings(), Http(clock, httpx.MockTransport(slack)), clock)


def again(notice: Notice, receipt: Mapping[str, str]) -> Notice:
    """The next word, with what the one before left."""
    return Notice(notice.incident, notice.occasion, notice.news, notice.changes, notice.actions, receipt)


async def begun(sink: SlackSink) -> Mapping[str, str]:
    outcome = await sink.deliver(made.notice("opened", incident=made.incident(1, severity="warning")))
    assert isinstance(outcome, Sent)
    return outcome.receipt


async def test_a_life(make: Make) -> None:
    """One message; then it is edited where it would look different, and each word is a line in the thread."""
    slack = Slack()
    sink, receipt = make(slack), {}
    for notice in made.life():
        outcome = await sink.deliver(again(notice, receipt))
        assert isinstance(outcome, Sent)
        receipt = dict(outcome.receipt)
    edit = "chat.update"
    assert slack.methods == [
        *("chat.postMessage", edit, "reply", edit, "reply to all", edit, "reply"),
        *("reply", edit, "reply to all", edit, "reply"),
    ]


async def test_what_is_sent(make: Make) -> None:
    """Channel, words for telephones, blocks, no unfurling, no guessed links, and what it is about for programs."""
    slack = Slack()
    await begun(make(slack))
    ((_, body),) = slack.asked
    assert body["channel"] == "#dba"
    assert body["text"] == "🟠 WARNING orders: replay on pg-2 is blocked by a query"
    assert body["blocks"][0]["type"] == "header"
    assert (body["unfurl_links"], body["unfurl_media"], body["parse"], body["link_names"]) == (
        *(False, False, "none", False),
    )
    assert body["metadata"]["event_payload"] == {"incident_id": made.incident().incident_id, "seq": 1}


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_message_that_cannot_be_edited(make: Make, error: str) -> None:
    """A new one takes its place, and its thread goes on there."""
    slack = Slack()
    sink = make(slack)
    receipt = await begun(sink)
    slack.answers = [error, httpx.Response(200, json={"ok": True, "channel": "C0DBA1234", "ts": "9.1"})]
    outcome = await sink.deliver(again(made.notice("escalated"), receipt))
    assert isinstance(outcome, Sent)
    assert outcome.receipt["ts"] == "9.1"
    assert slack.methods == ["chat.postMessage", "chat.update", "chat.postMessage"]


async def test_a_deleted_message_with_a_note(make: Make) -> None:
    """What somebody wrote is told in the new thread."""
    slack = Slack()
    sink = make(slack)
    receipt = await begun(sink)
    slack.answers = ["message_not_found"]
    await sink.deliver(again(made.notice("noted", actions=(made.action("note"),)), receipt))
    assert slack.methods[-2:] == ["chat.postMessage", "reply"]


async def test_refused_blocks(make: Make) -> None:
    """The whole message, then a short one, then plain text; then Slack will not have it."""
    slack = Slack("invalid_blocks", "msg_blocks_too_long")
    assert isinstance(await make(slack).deliver(made.notice()), Sent)
    whole, short, plain = (body for _, body in slack.asked)
    assert len(whole["blocks"]) > len(short["blocks"]) > len(plain["blocks"]) == 0
    assert "SELECT pg_terminate_backend(4711);" in plain["text"]
    outcome = await make(Slack(*["invalid_blocks"] * 3)).deliver(made.notice())
    assert isinstance(outcome, GiveUp)
    assert outcome.reason is Reason.REJECTED


async def test_a_token_that_may_set_no_mark(make: Make) -> None:
    """The mark is for programs; people get the whole message without it."""
    slack = Slack("metadata_must_be_sent_from_app")
    assert isinstance(await make(slack).deliver(made.notice()), Sent)
    (_, marked), (_, unmarked) = slack.asked
    assert marked.pop("metadata")
    assert marked == unmarked


async def test_a_refusal_we_do_not_know(make: Make) -> None:
    """After plain text it is tried again later."""
    slack = Slack(*["something_new"] * 3)
    assert isinstance(await make(slack).deliver(made.notice()), Retry)
    assert len(slack.asked) == 3


async def test_the_thread_is_limited(make: Make) -> None:
    """The next attempt does not edit again what is edited."""
    slack = Slack()
    sink = make(slack)
    receipt = await begun(sink)
    slack.answers = [ok(httpx.Request("POST", "x:")), httpx.Response(429, headers={"retry-after": "3"})]
    outcome = await sink.deliver(again(made.notice("escalated"), receipt))
    assert isinstance(outcome, Retry)
    assert outcome.after_s == 3
    assert outcome.receipt is not None
    assert isinstance(await sink.deliver(again(made.notice("escalated"), outcome.receipt)), Sent)
    assert slack.methods == ["chat.postMessage", "chat.update", "reply to all", "reply to all"]


async def test_the_thread_is_refused(make: Make) -> None:
    """The message says enough: a line that Slack will not have in the thread holds nothing up."""
    slack = Slack()
    sink = make(slack)
    receipt = await begun(sink)
    slack.answers = [ok(httpx.Request("POST", "x:")), "msg_too_long"]
    assert isinstance(await sink.deliver(again(made.notice("escalated"), receipt)), Sent)


async def test_a_webhook_tells_what_matters(clock: ManualClock) -> None:
    """The first word, an escalation, a reminder and the end are messages; nothing else is."""
    told = []

    def hook(request: httpx.Request) -> httpx.Response:
        told.append(json.loads(request.content)["text"].split(" ")[1])
        return httpx.Response(200, text="ok")

    settings = SlackSettings(webhook_url=Secret(WEBHOOK))
    sink = SlackSink(settings, NotifySettings(), Http(clock, httpx.MockTransport(hook)), clock)
    receipt: Mapping[str, str] = {}
    for notice in made.life():
        outcome = await sink.deliver(again(notice, receipt))
        assert isinstance(outcome, Sent)
        receipt = outcome.receipt
    assert told == ["WARNING", "CRITICAL", "CRITICAL", "RESOLVED"]

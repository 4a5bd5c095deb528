"""The stand-in for Slack: its limits at their boundaries, its error codes, its rates."""

import json
from datetime import timedelta
from typing import Any

import pytest

from leadline_lab.receiver.exchange import Event, Reply, Request
from leadline_lab.receiver.slack import POSTS, answer, channel_id, wait_s
from leadline_sinks.notify.sink import Rate
from tests.unit.sinks import made

HEADERS = {"authorization": "Bearer xoxb-1", "content-type": "application/json; charset=utf-8"}
WEBHOOK = "/services/T0/B0/x"


class Slack:
    """Remembers what it took; a request each second."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.now = made.START

    def ask(self, method: str, headers: Any = HEADERS, every_s: float = 1.0, **arguments: Any) -> Reply:
        self.now += timedelta(seconds=every_s)
        path = method if method.startswith("/") else f"/api/{method}"
        reply, taken = answer(Request(path, headers, json.dumps(arguments).encode(), self.now), self.events)
        self.events += taken
        return reply

    def says(self, method: str, **arguments: Any) -> Any:
        reply = self.ask(method, **arguments)
        body = json.loads(reply.body)
        assert body["ok"] == (reply.problem is None)
        return body if body["ok"] else body["error"]


@pytest.fixture
def slack() -> Slack:
    return Slack()


def section(text: Any = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def fields(count: int, letters: int = 1) -> dict[str, Any]:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * letters}] * count}


def context(count: int) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * count}


def test_a_message_and_its_edits(slack: Slack) -> None:
    """A name becomes an id; with id and ts the message is edited, and answered in its thread."""
    posted = slack.says("chat.postMessage", channel="#dba", text="one")
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    assert slack.says("chat.update", **where, text="two")["ts"] == posted["ts"]
    reply = slack.says("chat.postMessage", channel=posted["channel"], thread_ts=posted["ts"], text="three")
    assert [(event.kind, event.key) for event in slack.events] == [
        ("post", posted["ts"]),
        ("update", posted["ts"]),
        ("reply", posted["ts"]),
    ]
    assert reply["ts"] != posted["ts"]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ([header("x" * 150)], [header("x" * 151)]),
        ([header("𝔸" * 150)], [header("𝔸" * 151)]),
        ([section("x" * 3000)], [section("x" * 3001)]),
        ([fields(10)], [fields(11)]),
        ([fields(1, 2000)], [fields(1, 2001)]),
        ([context(10)], [context(11)]),
        ([section()] * 50, [section()] * 51),
        ([section()], [section("")]),
        ([section()], [section(None)]),
        ([section()], [section(surprise=1)]),
        ([section(block_id="x" * 255)], [section(block_id="x" * 256)]),
        ([{"type": "divider"}], [{"type": "section"}]),
        ([{"type": "divider"}], [{"type": "unheard_of"}]),
        ([], "text"),
    ],
)
def test_blocks_at_their_limits(slack: Slack, good: Any, bad: Any) -> None:
    """Blocks within the limits are accepted; one more is invalid_blocks."""
    assert slack.says("chat.postMessage", channel="c", text="x", blocks=good)["ok"]
    assert slack.says("chat.postMessage", channel="c", text="x", blocks=bad) == "invalid_blocks"


def test_all_text_at_its_limit(slack: Slack) -> None:
    """The limit that Slack documents nowhere."""
    assert slack.says("chat.postMessage", channel="c", blocks=[section("x" * 3000)] * 4)["ok"]
    too_long = [*[section("x" * 3000)] * 4, section()]
    assert slack.says("chat.postMessage", channel="c", blocks=too_long) == "msg_blocks_too_long"
    assert slack.says("chat.postMessage", channel="c", text="x" * 40_001) == "msg_too_long"


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "No Such", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": "c"}, "no_text"),
        ("chat.postMessage", {"channel": "c", "text": 1}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "c", "text": "x", "thread_ts": "1.1"}, "thread_not_found"),
        ("chat.postMessage", {"channel": "c", "text": "x", "metadata": {}}, "invalid_metadata_format"),
        ("chat.update", {"channel": "#dba", "ts": "1.1", "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": "C0DBA1234", "ts": "1.1", "text": "x"}, "message_not_found"),
        ("chat.unheardOf", {}, "unknown_method"),
        ("chat.postMessage", {"headers": {}}, "not_authed"),
        ("chat.postMessage", {"headers": {**HEADERS, "authorization": "Bearer x"}}, "invalid_auth"),
        ("chat.postMessage", {"headers": {**HEADERS, "content-type": "text/plain"}}, "invalid_post_type"),
    ],
)
def test_refusals(slack: Slack, method: str, arguments: dict[str, Any], error: str) -> None:
    """Slack's own codes, with status 200; nothing is taken."""
    assert slack.says(method, **arguments) == error
    assert slack.events == []


def test_edited_text_at_its_limit(slack: Slack) -> None:
    """An edit may be shorter than a message."""
    posted = slack.says("chat.postMessage", channel="c", text="x" * 4001)
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    assert slack.says("chat.update", **where, text="x" * 4000)["ok"]
    assert slack.says("chat.update", **where, text="x" * 4001) == "msg_too_long"


def test_auth_test(slack: Slack) -> None:
    """A token of the right form is somebody's."""
    assert slack.says("auth.test")["user"] == "leadline"


def test_a_message_a_second(slack: Slack) -> None:
    """A burst is fine, then it is one a second in each channel, and Retry-After says when."""
    replies = [slack.ask("chat.postMessage", every_s=0, channel="c", text="x") for _ in range(POSTS.burst + 1)]
    assert [reply.status for reply in replies] == [*[200] * POSTS.burst, 429]
    assert replies[-1].headers["retry-after"] == "1"
    assert slack.ask("chat.postMessage", every_s=0, channel="other", text="x").status == 200
    assert slack.ask("chat.postMessage", every_s=1, channel="c", text="x").status == 200
    assert slack.ask("chat.postMessage", every_s=0, channel="c", text="x").status == 429


def test_fifty_edits_a_minute(slack: Slack) -> None:
    """Edits have a rate of their own, lower than people think."""
    posted = slack.says("chat.postMessage", channel="c", text="x")
    edit = {"channel": posted["channel"], "ts": posted["ts"], "text": "x"}
    statuses = [slack.ask("chat.update", every_s=0.5, **edit).status for _ in range(100)]
    assert statuses[:50] == [200] * 50
    assert 429 in statuses


@pytest.mark.parametrize(
    ("at_s", "expected"), [([], 0), ([0, 0], 0), ([0, 0, 0], 1), ([-60, -60, -60], 0), ([0, 0, 0, 0, 0], 3)]
)
def test_waiting(at_s: list[float], expected: int) -> None:
    """Tokens come back with time, up to the burst."""
    at = [made.later(seconds) for seconds in at_s]
    assert wait_s(Rate(per_s=1.0, burst=3), at, made.START) == expected


@pytest.mark.parametrize(
    ("path", "body", "status", "word"),
    [
        (WEBHOOK, {"text": "x"}, 200, b"ok"),
        (WEBHOOK, {}, 400, b"no_text"),
        (WEBHOOK, {"blocks": [section("x" * 3001)]}, 400, b"invalid_payload"),
        ("/services/T0/x", {"text": "x"}, 403, b"invalid_token"),
    ],
)
def test_webhooks(slack: Slack, path: str, body: dict[str, Any], status: int, word: bytes) -> None:
    """A status and a word."""
    reply = slack.ask(path, **body)
    assert (reply.status, reply.body) == (status, word)


def test_a_body_that_is_no_json() -> None:
    """Both APIs say so."""
    for path, word in ((WEBHOOK, b"invalid_payload"), ("/api/chat.postMessage", b"invalid_json")):
        reply, taken = answer(Request(path, HEADERS, b"{", made.START), [])
        assert word in reply.body
        assert taken == []


def test_channels() -> None:
    """One name, one id; ids are themselves."""
    assert channel_id("#dba") == channel_id("dba") != channel_id("#dbb")
    assert channel_id("C0DBA1234") == "C0DBA1234"
    assert channel_id("No Such") is None

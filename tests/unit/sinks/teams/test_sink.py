"""Teams: cards that are within its sizes, and the answers of workflows."""

from typing import Any

import httpx
import msgspec
import orjson
import pytest

from leadline.clock import ManualClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.teams_target import TeamsSettings
from leadline_lab.receiver.exchange import Event, Request
from leadline_lab.receiver.teams import answer, texts
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import GiveUp, NothingNew, Reason, Retry, Sent, Sink
from leadline_sinks.teams import limits
from leadline_sinks.teams.card import counted_bytes
from leadline_sinks.teams.sink import TeamsSink
from tests.unit.sinks import made
from tests.unit.sinks.conformance import Conformance

URL = "https://prod.example.com:443/workflows/77e0/triggers/manual/paths/invoke?sig=signature-that-is-secret"


class Workflow:
    """The stand-in behind a transport, without its rate limit: the clock of the tests does not go on."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.problems: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply, events = answer(Request(request.url.path, headers, request.content, made.START), ())
        self.events += events
        if reply.problem:
            self.problems.append(reply.problem)
        return httpx.Response(reply.status, content=reply.body)


def sink(http: Http, clock: ManualClock) -> TeamsSink:
    return TeamsSink(TeamsSettings(url=Secret(URL)), NotifySettings(), http, clock)


def over(answering: Any) -> TeamsSink:
    clock = ManualClock(made.START)
    return sink(Http(clock, httpx.MockTransport(answering)), clock)


class TestTeams(Conformance):
    """Against the stand-in."""

    secrets = (URL, "signature-that-is-secret")

    def sink(self, http: Http, clock: ManualClock) -> Sink:
        return sink(http, clock)

    def fine(self, request: httpx.Request) -> httpx.Response:
        workflow = Workflow()
        response = workflow(request)
        assert workflow.problems == []  # it would answer 202, and post nothing
        return response

    def begins(self, request: httpx.Request) -> bool:
        """Never: each message is of its own, as there is no other kind here."""
        return False


async def test_the_messages_of_a_life() -> None:
    """One for each occasion that people must know; an update that changes neither severity nor cause is none."""
    workflow = Workflow()
    to, receipt = over(workflow), {}
    sent = []
    for notification in made.life():
        outcome = await to.deliver(made.with_receipt(notification, receipt))
        assert isinstance(outcome, Sent | NothingNew)
        receipt = dict(outcome.receipt)
        sent += [notification.occasion] * isinstance(outcome, Sent)
    assert sent == [notification.occasion for notification in made.life()]
    quiet = await to.deliver(made.with_receipt(made.notification("updated", incident=made.incident(2)), receipt))
    assert isinstance(quiet, NothingNew)
    first = texts(workflow.events[0].payload)
    assert first[0].startswith("WARNING: orders: replay on pg-2 is blocked by a query")
    assert "SELECT pg_terminate_backend(4711);" in texts(workflow.events[2].payload)


@pytest.mark.parametrize("fill", ['"', "\\", "ß", "𝔸", "x"])
async def test_a_card_within_the_size(fill: str) -> None:
    """It is counted as Teams does: with its quotation marks escaped, a request of 24453 bytes was one of 28897
    (MicrosoftDocs/msteams-docs issue 11274). What does not fit is left out as a whole, and counted."""
    workflow = Workflow()
    about = msgspec.structs.replace(
        made.hostile(fill * 3000), severity="critical", title="orders: much is wrong", causes=[made.cause()] * 4
    )
    outcome = await over(workflow).deliver(made.notification(incident=about))
    assert isinstance(outcome, Sent)
    assert workflow.problems == []
    (posted,) = workflow.events
    assert counted_bytes(dict(posted.payload)) <= limits.CARD_BYTES
    shown = texts(posted.payload)
    assert "SELECT pg_terminate_backend(4711);" in shown
    assert any("more part" in text for text in shown) == (fill != "x")


def test_the_count_is_that_of_the_report() -> None:
    """A text within JSON: each quotation mark and backslash is two characters."""
    card = {"text": 'a"b', "name": "ß"}
    text = orjson.dumps(card).decode()
    assert counted_bytes(card) == len(orjson.dumps(text).decode().replace("ß", "\\u00df")) - 2


async def test_no_name_is_markup() -> None:
    """Foreign text is in RichTextBlocks, in which Markdown has no meaning."""
    workflow = Workflow()
    about = made.incident(title="[click](https://evil.example) **here**")
    await over(workflow).deliver(made.notification(incident=about))
    card = workflow.events[0].payload
    assert {each["type"] for each in card["body"]} == {"Container", "RichTextBlock"}
    assert {each["type"] for each in card["body"][0]["items"]} == {"RichTextBlock"}
    assert "actions" not in card


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": {"code": "WorkflowTriggerIsNotEnabled"}}, Reason.TARGET_GONE),
        (404, {"error": {"code": "WorkflowNotFound"}}, Reason.TARGET_GONE),
        (401, {"error": {"code": "DirectApiAuthorizationRequired"}}, Reason.UNAUTHORIZED),
        (
            200,
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429 with",
            Reason.RATE_LIMITED,
        ),
        (200, 1, Reason.GARBLED),
    ],
)
async def test_an_answer(status: int, body: Any, reason: Reason) -> None:
    """A workflow that is off, one that is gone, a signature that is wrong, and the words of a connector."""
    outcome = await over(lambda request: httpx.Response(status, json=body)).deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is reason


async def test_too_large_in_words_of_a_connector() -> None:
    """It answered 200 although nothing was posted (prometheus-msteams/prometheus-msteams issue 29)."""
    text = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId"
    outcome = await over(lambda request: httpx.Response(200, text=text)).deliver(made.notification())
    assert outcome == GiveUp(Reason.REJECTED, "the card is too large for Teams")


def test_the_stand_in_refuses_what_a_workflow_does_not_post() -> None:
    """A message card of the connectors, as in TwiN/gatus pull request 847, and a card that is too large."""
    headers = {"content-type": "application/json"}

    def problem(given: Any) -> str:
        reply, events = answer(Request("/workflows/x", headers, orjson.dumps(given), made.START), ())
        assert events == []
        assert reply.status == 202
        return reply.problem or ""

    assert "must be a valid array" in problem({"title": "Status", "sections": []})
    large = {"type": "AdaptiveCard", "version": "1.4", "body": [{"type": "TextBlock", "text": "x" * 29_000}]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": large}
    assert "MessageSizeExceeded" in problem({"type": "message", "attachments": [attachment]})

"""The Slack sink against the receiver: a lifecycle over real connections, and faults."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace

import pytest

from leadline.clock import SystemClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import SlackSettings
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.server import Receiver
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import NothingNew, Notification, Outcome, Reason, Retry, Sent
from leadline_sinks.slack.sink import SlackSink
from tests.unit.sinks import made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(limited=False) as receiver:
        yield receiver


@pytest.fixture
async def sink(receiver: Receiver) -> AsyncIterator[SlackSink]:
    clock = SystemClock()
    bot = SlackSettings(token=Secret("xoxb-1"), channel="#dba", api_url=f"{receiver.url}/api")
    sink = SlackSink(bot, NotifySettings(), Http(clock), clock)
    yield sink
    await sink.close()


async def deliver(sink: SlackSink, notification: Notification, receipt: Mapping[str, str]) -> Mapping[str, str]:
    outcome = await sink.deliver(replace(notification, receipt=receipt))
    assert isinstance(outcome, Sent | NothingNew), outcome
    return outcome.receipt


def kinds(receiver: Receiver) -> list[str]:
    return [event.kind for event in receiver.events]


async def test_one_message(sink: SlackSink, receiver: Receiver) -> None:
    """An incident is one message, which is edited until its end; the receiver accepts every request."""
    receipt: Mapping[str, str] = {}
    for notification in made.life():
        receipt = await deliver(sink, notification, receipt)
    assert kinds(receiver).count("post") == 1
    assert [seen.problem for seen in receiver.requests if seen.problem] == []
    last = [event for event in receiver.events if event.kind == "update"][-1]
    assert last.payload["text"].startswith("✅ RESOLVED")


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
async def test_hostile_names(sink: SlackSink, receiver: Receiver, name: str) -> None:
    """They are within every limit, and the first form of the message is accepted."""
    await deliver(sink, made.notification(incident=made.hostile(name)), {})
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("kind", "reason", "posts"),
    [
        (Kind.RATE_LIMITED, Reason.RATE_LIMITED, 1),
        (Kind.UNAVAILABLE, Reason.UNAVAILABLE, 1),
        (Kind.CLOSED, Reason.TIMEOUT, 1),
        (Kind.UNAUTHORIZED, Reason.UNAUTHORIZED, 1),
        (Kind.GONE, Reason.TARGET_GONE, 1),
        (Kind.HALF, Reason.TIMEOUT, 2),
        (Kind.GARBLED, Reason.GARBLED, 2),
    ],
)
async def test_a_fault_at_the_first_notification(
    sink: SlackSink, receiver: Receiver, kind: Kind, reason: Reason, posts: int
) -> None:
    """It is repeated. There are two messages only where Slack accepted the first and its answer was lost."""
    receiver.fail(Fault("slack", kind, requests=1))
    outcome: Outcome = await sink.deliver(made.notification())
    assert isinstance(outcome, Retry)
    assert outcome.reason is reason
    await deliver(sink, made.notification(), {})
    assert kinds(receiver) == ["post"] * posts


@pytest.mark.parametrize("kind", [Kind.HALF, Kind.GARBLED, Kind.UNAVAILABLE])
async def test_a_fault_at_an_edit(sink: SlackSink, receiver: Receiver, kind: Kind) -> None:
    """A repeated edit has no further effect."""
    receipt = await deliver(sink, made.notification(), {})
    receiver.fail(Fault("slack", kind, requests=1))
    resolved = made.notification("resolved")
    assert isinstance(await sink.deliver(replace(resolved, receipt=receipt)), Retry)
    await deliver(sink, resolved, receipt)
    assert kinds(receiver).count("post") == 1


async def test_a_webhook(receiver: Receiver) -> None:
    """Without a bot, each important notification is a message."""
    clock = SystemClock()
    settings = SlackSettings(webhook_url=Secret(receiver.webhook_url))
    sink = SlackSink(settings, NotifySettings(), Http(clock), clock)
    receipt: Mapping[str, str] = {}
    for notification in made.life():
        receipt = await deliver(sink, notification, receipt)
    await sink.close()
    assert kinds(receiver) == ["post"] * 5
    assert [seen.problem for seen in receiver.requests if seen.problem] == []


async def test_the_test(sink: SlackSink, receiver: Receiver) -> None:
    """It is marked as a test."""
    assert isinstance(await sink.test(), Sent)
    assert receiver.events[0].payload["text"] == "This is a test of Leadline. No action is needed."

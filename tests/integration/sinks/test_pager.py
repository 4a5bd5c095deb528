"""The PagerDuty and webhook sinks against the receiver: lifecycles over real connections, and faults."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from leadline.clock import SystemClock
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.targets import PagerDutySettings, WebhookSettings
from leadline_lab.receiver.faults import Fault, Kind
from leadline_lab.receiver.pagerduty import UNKNOWN_KEY, alerts
from leadline_lab.receiver.server import Receiver
from leadline_sinks.http import Http
from leadline_sinks.notify.sink import NothingNew, Notification, Reason, Retry, Sent, Sink
from leadline_sinks.pagerduty.sink import PagerDutySink
from leadline_sinks.webhook import WebhookSink
from tests.fixtures.brokers import Broker, create_topics
from tests.integration.sinks import sink_main
from tests.integration.sinks.kit import CLOCK, process, until, writing
from tests.unit.sinks import made

FAULTS = [
    (Kind.RATE_LIMITED, Reason.RATE_LIMITED),
    (Kind.UNAVAILABLE, Reason.UNAVAILABLE),
    (Kind.CLOSED, Reason.TIMEOUT),
    (Kind.HALF, Reason.TIMEOUT),
    (Kind.UNAUTHORIZED, Reason.UNAUTHORIZED),
    (Kind.GONE, Reason.TARGET_GONE),
]
"""Faults of both vendors, and the reason that a sink gives for each."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def pager(receiver: Receiver, key: str = "a" * 32) -> PagerDutySink:
    clock = SystemClock()
    settings = PagerDutySettings(routing_key=Secret(key), url=receiver.url)
    return PagerDutySink(settings, NotifySettings(), Http(clock), clock)


@pytest.fixture
async def pagerduty(receiver: Receiver) -> AsyncIterator[PagerDutySink]:
    sink = pager(receiver)
    yield sink
    await sink.close()


@pytest.fixture
async def webhook(receiver: Receiver) -> AsyncIterator[WebhookSink]:
    clock = SystemClock()
    settings = WebhookSettings(url=Secret(f"{receiver.url}/hook"), signing_key=Secret("k"))
    sink = WebhookSink(settings, NotifySettings(), Http(clock), clock)
    yield sink
    await sink.close()


async def deliver(sink: Sink, *notifications: Notification) -> None:
    """Deliver notifications in order, each with the receipt of the previous one."""
    receipt: Mapping[str, str] = {}
    for notification in notifications:
        outcome = await sink.deliver(replace(notification, receipt=receipt))
        assert isinstance(outcome, Sent | NothingNew), outcome
        receipt = outcome.receipt


def kinds(receiver: Receiver) -> list[str]:
    return [event.kind for event in receiver.events]


async def test_one_alert(pagerduty: PagerDutySink, receiver: Receiver) -> None:
    """The receiver accepts every event of a lifecycle."""
    await deliver(pagerduty, *made.life())
    assert kinds(receiver) == ["trigger", "change", "trigger", "trigger", "acknowledge", "resolve", "change"]
    assert [alert.state for alert in alerts(receiver.events)] == ["resolved"]
    assert [seen.problem for seen in receiver.requests if seen.problem] == []


async def test_an_event_for_each_notification(webhook: WebhookSink, receiver: Receiver) -> None:
    """The receiver accepts every signed event of a lifecycle."""
    await deliver(webhook, *made.life())
    assert kinds(receiver) == [notification.occasion for notification in made.life()]
    assert [seen.problem for seen in receiver.requests if seen.problem] == []


@pytest.mark.parametrize("name", made.HOSTILE, ids=lambda name: ascii(name[:12]))
async def test_hostile_names(pagerduty: PagerDutySink, webhook: WebhookSink, receiver: Receiver, name: str) -> None:
    """They are accepted in the first form, with a change event."""
    notification = made.notification(incident=made.hostile(name))
    await deliver(pagerduty, notification)
    await deliver(webhook, notification)
    assert kinds(receiver) == ["trigger", "change", "opened"]
    assert len(receiver.requests) == 3


@pytest.mark.parametrize(("kind", "reason"), [*FAULTS, (Kind.GARBLED, Reason.GARBLED)])
async def test_a_fault_at_each_notification(
    pagerduty: PagerDutySink, receiver: Receiver, kind: Kind, reason: Reason
) -> None:
    """Whatever the fault of the first attempt, there is one alert, and it is resolved."""
    receipt: Mapping[str, str] = {}
    for notification in (made.notification(), made.notification("resolved")):
        receiver.fail(Fault("pagerduty", kind, requests=1))
        failed = await pagerduty.deliver(replace(notification, receipt=receipt))
        assert isinstance(failed, Retry)
        assert failed.reason is reason
        sent = await pagerduty.deliver(
            replace(notification, receipt=receipt if failed.receipt is None else failed.receipt)
        )
        assert isinstance(sent, Sent)
        receipt = sent.receipt
    assert [alert.state for alert in alerts(receiver.events)] == ["resolved"]


@pytest.mark.parametrize(("kind", "reason"), FAULTS)
async def test_a_webhook_that_fails(webhook: WebhookSink, receiver: Receiver, kind: Kind, reason: Reason) -> None:
    """The next attempt sends the same event, which the receiver counts once."""
    receiver.fail(Fault("webhook", kind, requests=1))
    failed = await webhook.deliver(made.notification())
    assert isinstance(failed, Retry)
    assert failed.reason is reason
    await deliver(webhook, made.notification())
    assert kinds(receiver) == ["opened"]


async def test_an_unknown_key(receiver: Receiver) -> None:
    """The detail reports it, and nobody is paged."""
    sink = pager(receiver, UNKNOWN_KEY)
    for outcome in (await sink.deliver(made.notification()), await sink.test()):
        assert isinstance(outcome, Retry)
        assert outcome.reason is Reason.UNAUTHORIZED
        assert "Invalid routing key" in outcome.detail
    await sink.close()
    assert receiver.events == ()


async def test_the_tests(pagerduty: PagerDutySink, webhook: WebhookSink, receiver: Receiver) -> None:
    """They are marked as tests, and page nobody."""
    assert isinstance(await pagerduty.test(), Sent)
    assert isinstance(await webhook.test(), Sent)
    assert kinds(receiver) == ["change", "test"]


async def test_killed_while_it_pages(broker: Broker, prefix: str, receiver: Receiver, tmp_path: Path) -> None:
    """The process is killed before it records the alert that PagerDuty opened. When the incident ends, so does the
    alert."""
    create_topics(broker, prefix, 1)
    settings = {
        "pagerduty": {"routing_key": "a" * 32, "url": receiver.url},
        "kafka": {"bootstrap": broker.bootstrap, "topic_prefix": prefix},
    }
    with process(tmp_path, settings, sink_main.__name__) as sink:
        async with writing(broker.bootstrap, prefix) as put:
            receiver.fail(Fault("pagerduty", Kind.TIMEOUT))
            about = made.incident(1, opened_at=CLOCK.now())
            await put(about)
            sink.start()
            await until("the page", lambda: kinds(receiver) == ["trigger"], sink)
            sink.kill()
            receiver.fail(Fault("pagerduty", Kind.NONE))
            await put(msgspec.structs.replace(about, seq=2, state="resolved", resolved_at=CLOCK.now()))
            sink.start()
            await until("the end", lambda: "resolve" in kinds(receiver), sink)
        assert sink.end() == 0
    assert [alert.state for alert in alerts(receiver.events)] == ["resolved"]
    assert "aaaa" not in sink.err

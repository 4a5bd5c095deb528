"""Incidents that move to another process while one of them is being sent: nothing older follows what that one sends."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from leadline.clock import Clock, ManualClock, SystemClock
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident, TimelineEntry
from leadline.settings.routing import NotifySettings
from leadline.settings.secret import Secret
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings, SlackSettings
from leadline_sinks.http import Http
from leadline_sinks.notify import incident_consumer
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.context_consumer import ContextConsumer
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.incident_consumer import IncidentConsumer
from leadline_sinks.notify.kafka_writer import KafkaWriter
from leadline_sinks.notify.lease import LEASE_S, SESSION_S, Lease, NotAnswered, NotOwner
from leadline_sinks.notify.notifier import NOT_OWNER_S, Notifier
from leadline_sinks.notify.sink import Notification, Outcome, Rate, Sent
from leadline_sinks.slack.sink import SlackSink
from tests.unit.sinks import made

TARGET = "console"
SETTINGS = SinkSettings(console=ConsoleSettings(enabled=True))


class Slow:
    """A target that answers each request when it is let, and a delivery of two requests."""

    kind = "fake"
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False
    rate = Rate(1000.0, 1000)

    def __init__(self) -> None:
        self.requests: list[tuple[str, int]] = []
        self.answers = asyncio.Semaphore(0)
        self.began = asyncio.Event()

    async def deliver(self, notification: Notification) -> Outcome:
        for _ in range(2):
            self.requests.append((notification.incident.state, notification.incident.seq))
            self.began.set()
            await self.answers.acquire()
        return Sent({"ts": "1"})

    async def test(self) -> Outcome:
        raise AssertionError("a notifier only delivers")

    async def close(self) -> None:
        raise AssertionError("a notifier only delivers")


class Kafka:
    """The deliveries topic, which every process reads."""

    def __init__(self) -> None:
        self.written: list[Delivery] = []
        self.contexts: list[NotificationContext] = []
        self.is_away = asyncio.Event()

    async def write(self, value: Delivery | Incident, home: int | None = None) -> int:
        assert isinstance(value, Delivery)
        if self.is_away.is_set():
            await asyncio.Event().wait()
        self.written.append(value)
        for context in self.contexts:
            context.add_delivery(value, len(self.written))
        return len(self.written)


class World:
    """A target, Kafka, and as many processes as are started."""

    def __init__(self) -> None:
        self.target, self.kafka, self.clock = Slow(), Kafka(), ManualClock(made.later(3))

    def process(self, clock: Any = None) -> tuple[Notifier, NotificationContext]:
        context = NotificationContext([TARGET])
        for offset, each in enumerate(self.kafka.written, 1):
            context.add_delivery(each, offset)
        self.kafka.contexts.append(context)
        write = self.kafka.write
        return Notifier(TARGET, self.target, SETTINGS, context, write, clock or self.clock, lambda: 0.5), context

    async def begins(self, notifier: Notifier) -> asyncio.Task[float]:
        """A step whose first request is not answered yet."""
        step = asyncio.create_task(notifier.step())
        async with asyncio.timeout(5):
            await self.target.began.wait()
        return step


def letters(clock: Clock) -> DeadLetters:
    return DeadLetters("leadline.", KafkaWriter(SETTINGS.kafka, clock), clock)


async def test_an_attempt_is_cancelled_when_its_incident_goes() -> None:
    """No second request follows, and nothing is recorded but the attempt; the next owner sends the end."""
    world = World()
    first, _ = world.process()
    first.observe(made.incident(1), 0, 0)
    step = await world.begins(first)
    first.release()
    async with asyncio.timeout(5):
        assert await step == 0.0
    assert world.target.requests == [("open", 1)]
    assert [each.outcome for each in world.kafka.written] == ["attempted"]
    second, _ = world.process()
    second.observe(made.resolved(2), 0, 1)
    world.target.answers = asyncio.Semaphore(10)
    await second.step()
    await first.step()
    assert world.target.requests == [("open", 1), ("resolved", 2), ("resolved", 2)]


async def test_a_step_that_waits_for_kafka_sends_nothing_after_its_incident_is_gone() -> None:
    """The record of the attempt arrives late, and the attempt is not made."""
    world = World()
    notifier, _ = world.process()
    arrived = asyncio.Event()
    write = world.kafka.write

    async def late(value: Delivery | Incident, home: int | None = None) -> int:
        await arrived.wait()
        return await write(value)

    notifier._write = late
    notifier.observe(made.incident(1), 0, 0)
    step = asyncio.create_task(notifier.step())
    await asyncio.sleep(0)
    notifier.release()
    arrived.set()
    await step
    assert world.target.requests == []


async def test_a_process_that_lost_its_incident_sends_no_older_record() -> None:
    """Somebody acknowledges, and the reminder is due: another process has sent a later record already."""
    world = World()
    world.target.answers = asyncio.Semaphore(1000)
    zombie, context = world.process()
    zombie.observe(made.incident(1), 0, 0)
    await zombie.step()
    owner, _ = world.process()
    owner.observe(made.incident(2, severity="critical"), 0, 1)
    world.clock.advance(10.0)
    await owner.step()
    context.add_action(made.action())
    sent = list(world.target.requests)
    for _ in range(5):
        world.clock.advance(100_000.0)
        await zombie.step()
    assert world.target.requests == sent
    zombie.observe(msgspec.structs.replace(made.incident(3), severity="critical"), 0, 2)
    await zombie.step()
    assert world.target.requests[-1] == ("open", 3), "it goes on with what is newer"


@pytest.mark.parametrize("answered", [True, False])
async def test_partitions_go_after_the_delivery(monkeypatch: pytest.MonkeyPatch, answered: bool) -> None:
    """The callback of the rebalance returns when the delivery has ended, or was cancelled after its time."""
    monkeypatch.setattr(incident_consumer, "FINISH_S", 5.0 if answered else 0.05)
    world, clock = World(), SystemClock()
    notifier, context = world.process(clock)
    reading = ContextConsumer(SETTINGS.kafka, context, lambda: None, clock, letters(clock))
    consumer = IncidentConsumer(TARGET, SETTINGS, notifier, reading, letters(clock), Lease(clock), clock)
    notifier.observe(made.incident(1), 0, 0)
    consumer._ready.set()
    notifying = asyncio.create_task(consumer._notify())
    try:
        async with asyncio.timeout(10):
            await world.target.began.wait()
            revoked = asyncio.create_task(consumer.on_partitions_revoked([]))
            await asyncio.sleep(0.01)
            assert not revoked.done()
            for _ in range(2 if answered else 0):
                world.target.answers.release()
                await asyncio.sleep(0)
            await revoked
    finally:
        notifying.cancel()
        await asyncio.wait({notifying})
    outcomes = [each.outcome for each in world.kafka.written]
    assert outcomes == (["attempted", "sent"] if answered else ["attempted"])
    assert world.target.requests == [("open", 1)] * (2 if answered else 1)


class Answers:
    """Kafka's answers to a process that asks whether the incidents are its own."""

    def __init__(self) -> None:
        self.asked = 0
        self.owned: bool | None = True

    async def ask(self) -> bool | None:
        self.asked += 1
        return self.owned


async def test_kafka_is_asked_before_each_request_once_in_a_while() -> None:
    """An answer holds for less than a session; a clock that stands still while its machine is suspended is no proof."""
    clock, kafka = ManualClock(made.START), Answers()
    lease = Lease(clock)
    with pytest.raises(NotOwner):
        await lease.hold()
    lease.begin(kafka.ask)
    for _ in range(3):
        await lease.hold()
    assert kafka.asked == 1
    clock.advance(LEASE_S)
    await lease.hold()
    await lease.hold(anew=True)
    assert kafka.asked == 3
    kafka.owned = False
    await lease.hold()
    clock.now = lambda: made.later(2 * LEASE_S + 1.0)  # type: ignore[method-assign]
    with pytest.raises(NotOwner):
        await lease.hold()


async def test_a_process_that_is_cut_off_from_kafka_sends_nothing_after_a_session() -> None:
    """Another one may have the incident then: a page that had to be tried again would follow the end that it sent."""
    clock, kafka = ManualClock(made.START), Answers()
    lease = Lease(clock)
    lease.begin(kafka.ask)
    await lease.hold()
    kafka.owned = None
    for _ in range(2):
        clock.advance(LEASE_S)
        await lease.hold()
    clock.advance(LEASE_S)
    with pytest.raises(NotAnswered):
        await lease.hold()
    kafka.owned = True
    await lease.hold()


async def test_an_answer_that_waited_while_the_process_was_frozen_is_no_answer() -> None:
    """Kafka gave it before the session was over, and gives the incidents to another process since."""
    clock = ManualClock(made.START)
    lease = Lease(clock)

    async def ask() -> bool:
        clock.advance(SESSION_S)
        return True

    lease.begin(ask)
    with pytest.raises(NotAnswered):
        await lease.hold()


async def test_a_notifier_that_is_cut_off_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """And tries again until Kafka answers."""
    world = World()
    notifier, _ = world.process()
    world.target.answers = asyncio.Semaphore(10)
    deliver, held = world.target.deliver, True

    async def asks(notification: Notification) -> Outcome:
        if held:
            raise NotAnswered("Kafka does not say that the incidents are still this process's")
        return await deliver(notification)

    world.target.deliver = asks  # type: ignore[method-assign]
    notifier.observe(made.incident(1), 0, 0)
    for _ in range(3):
        assert await notifier.step() == NOT_OWNER_S
    assert world.target.requests == []
    assert caplog.text.count("nothing is sent: Kafka does not say") == 1
    held = False
    world.clock.advance(60.0)
    await notifier.step()
    assert world.target.requests == [("open", 1), ("open", 1)]


async def test_a_frozen_process_makes_no_request_after_the_one_in_flight() -> None:
    """It goes on in the midst of a delivery, when Kafka has given the incident to another process."""
    clock, kafka, requests = ManualClock(made.START), Answers(), list[bytes]()
    lease = Lease(clock)
    lease.begin(kafka.ask)

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request.content)
        clock.advance(3600.0)  # it is frozen while Slack answers
        kafka.owned = False
        return httpx.Response(200, json={"ok": True, "channel": "C1", "ts": "1.2"})

    slack = SlackSettings(token=Secret("xoxb-1"), channel="#db")
    http = Http(clock, httpx.MockTransport(answer), before=lease.hold)
    world = World()
    context = NotificationContext(["slack"])
    sink = SlackSink(slack, NotifySettings(), http, clock)
    given = SinkSettings(slack=slack)
    notifier = Notifier("slack", sink, given, context, world.kafka.write, clock, lambda: 0.5)
    notifier.observe(made.incident(1, timeline=[TimelineEntry(at=made.START, what="it began")]), 0, 0)
    context.add_action(made.action())
    for _ in range(3):
        await notifier.step()
    assert len(requests) == 1

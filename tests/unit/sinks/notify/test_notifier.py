"""The notifier of one target, step by step."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any

import msgspec
import pytest

from leadline import metrics
from leadline.clock import ManualClock
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.routing import NotifySettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings
from leadline_sinks.notify import attempts, notifier
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.notify.sink import GiveUp, Notification, Outcome, Rate, Reason, Retry, Sent
from tests.unit.sinks import made

TARGET = "console"
Answer = Callable[[Notification], Outcome]


def accepting(notification: Notification) -> Outcome:
    return Sent({"ts": "1"})


def failing(reason: Reason, **more: Any) -> Answer:
    return lambda notification: Retry(reason, "no", **more)


class Target:
    kind = "fake"
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.answer: Answer = accepting
        self.attempts: list[Notification] = []
        self.delivered: list[tuple[str, str]] = []

    async def deliver(self, notification: Notification) -> Outcome:
        self.attempts.append(notification)
        outcome = self.answer(notification)
        if isinstance(outcome, Sent):
            self.delivered.append((notification.incident.cluster, notification.occasion))
        return outcome

    async def test(self) -> Outcome:
        raise AssertionError("a notifier only delivers")

    async def close(self) -> None:
        raise AssertionError("a notifier only delivers")


class Setup:
    """A notifier, its target, and what it wrote to Kafka."""

    def __init__(self, rate: Rate = Rate(1000.0, 1000), **notify: Any) -> None:  # noqa: B008 - a constant
        self.clock = ManualClock(made.later(2))
        self.target = Target(rate)
        self.deliveries: list[Delivery] = []
        self.self_incidents: list[Incident] = []
        self.settings = SinkSettings(console=ConsoleSettings(enabled=True), notify=NotifySettings(**notify))
        self.context = NotificationContext([TARGET])
        self.offset = 0
        self.restart()

    def restart(self) -> None:
        self.notifier = Notifier(TARGET, self.target, self.settings, self.context, self.write, self.clock, lambda: 0.9)

    async def write(self, value: Delivery | Incident, home: int | None = None) -> int:
        if isinstance(value, Incident):
            self.self_incidents.append(value)
            return 0
        self.deliveries.append(value)
        return len(self.deliveries)

    def observe(self, incident: Incident) -> None:
        self.notifier.observe(incident, 0, self.offset)
        self.offset += 1

    async def idle(self) -> float:
        """Work until nothing is due; the seconds until something is."""
        for _ in range(1000):
            wait_s = await self.notifier.step()
            if wait_s > 0:
                return wait_s
        raise AssertionError("it does not become idle")

    async def pass_time(self, seconds: float, at_least_s: float = 0.001) -> None:
        """Work while time passes."""
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0:
            self.clock.advance(min(left_s, max(at_least_s, await self.idle())))
        await self.idle()

    @property
    def outcomes(self) -> list[str]:
        return [delivery.outcome for delivery in self.deliveries]


def sample(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, {"target": TARGET, **labels}) or 0.0


async def test_an_outage_of_an_hour() -> None:
    """Each incident is sent once, in its newest state: those that ended meanwhile with their end."""
    setup = Setup(rate=Rate(1.0, 10), repeat_s=0)
    begun = made.incident(1, cluster="begun")
    setup.observe(begun)
    await setup.idle()
    setup.target.answer = failing(Reason.UNREACHABLE)
    attempts = len(setup.target.attempts)
    for minute in range(60):
        opened_at = setup.clock.now()
        open_ = made.incident(1, cluster=f"open{minute}", opened_at=opened_at)
        over = made.incident(1, cluster=f"over{minute}", opened_at=opened_at)
        for incident in (open_, over):
            setup.observe(incident)
            for seq in range(2, 20):
                setup.observe(msgspec.structs.replace(incident, seq=seq))
        await setup.pass_time(30)
        setup.observe(msgspec.structs.replace(over, seq=30, state="resolved", resolved_at=setup.clock.now()))
        await setup.pass_time(30)
    setup.observe(made.resolved(2, cluster="begun"))
    await setup.idle()
    assert len(setup.target.attempts) - attempts < 60, "it is only probed"
    assert sample("leadline_sink_breaker_open") == 1
    assert sample("leadline_sink_pending") == 121
    assert sample("leadline_sink_oldest_pending_seconds") > 3500
    setup.target.answer = accepting
    await setup.pass_time(600)
    expected = [("begun", "opened"), ("begun", "resolved"), *((f"open{minute}", "opened") for minute in range(60))]
    expected += [(f"over{minute}", "resolved") for minute in range(60)]
    assert sorted(setup.target.delivered) == sorted(expected)
    assert {each.incident.seq for each in setup.target.attempts if each.incident.cluster.startswith("open")} == {19}
    assert sample("leadline_sink_pending") == 0
    assert sample("leadline_sink_breaker_open") == 0
    assert [incident.state for incident in setup.self_incidents] == ["open", "resolved"]


async def test_a_restart_repeats_nothing() -> None:
    """Deliveries on record are not repeated."""
    setup = Setup()
    setup.observe(made.incident(1))
    await setup.idle()
    setup.restart()
    setup.observe(made.incident(1))
    assert await setup.idle() == 60
    assert setup.target.delivered == [("orders", "opened")]
    setup.observe(made.resolved(2))
    assert await setup.idle() == inf
    assert setup.target.delivered[1:] == [("orders", "resolved")]
    setup.restart()
    setup.observe(made.incident(1))
    setup.observe(made.resolved(2))
    assert await setup.idle() == inf
    assert len(setup.target.delivered) == 2


async def test_settled_offsets() -> None:
    """The newest record of an open incident is needed; records of finished incidents are not."""
    setup = Setup()
    for seq in (1, 2):
        setup.observe(made.incident(seq))
    setup.observe(made.incident(1, cluster="other"))
    setup.observe(made.resolved(2, cluster="other"))
    assert setup.notifier.settled(0, 4) == 1
    assert setup.notifier.settled(7, 9) == 9
    await setup.idle()
    assert setup.notifier.settled(0, 4) == 1
    setup.observe(made.resolved(3))
    assert setup.notifier.settled(0, 5) == 4
    await setup.idle()
    assert setup.notifier.settled(0, 5) == 5


async def test_a_record_that_is_written_twice() -> None:
    """It keeps its first offset: reading it again from there does no harm."""
    setup = Setup()
    setup.observe(made.incident(1))
    await setup.idle()
    setup.observe(made.incident(1))
    assert setup.notifier.settled(0, 2) == 0
    assert await setup.idle() > 0
    assert len(setup.target.attempts) == 1


async def test_records_that_are_written_again_after_the_end() -> None:
    """After a restart, a worker may write old records again; nobody is notified of finished incidents."""
    setup = Setup()
    about = made.incident(1, causes=[made.UNKNOWN])
    setup.observe(about)
    setup.observe(made.resolved(2))
    await setup.idle()
    setup.observe(about)
    await setup.pass_time(60)
    before = sample("leadline_sink_deliveries_total", outcome="never_told")
    setup.observe(made.resolved(2))
    await setup.idle()
    assert setup.target.attempts == []
    assert sample("leadline_sink_deliveries_total", outcome="never_told") == before


async def test_finished_incidents_are_forgotten_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest ones are remembered, in bounded memory."""
    monkeypatch.setattr(notifier, "MAX_FINISHED", 2)
    setup = Setup()
    for name in ("a", "b", "c"):
        setup.observe(made.resolved(2, cluster=name))
        await setup.idle()
    for name in ("a", "b", "c"):
        setup.observe(made.incident(1, cluster=name))
    await setup.idle()
    assert setup.target.delivered == [("a", "opened")]


async def test_a_rate_limit() -> None:
    """Nothing is sent while the target asks to wait, and it does not count as failing."""
    setup = Setup()
    setup.target.answer = failing(Reason.RATE_LIMITED, after_s=40.0)
    for name in ("a", "b"):
        setup.observe(made.incident(cluster=name))
    assert await setup.idle() == 40.0
    assert len(setup.target.attempts) == 1
    await setup.pass_time(39.0)
    assert len(setup.target.attempts) == 1
    setup.target.answer = accepting
    await setup.pass_time(2.0)
    assert sorted(setup.target.delivered) == [("a", "opened"), ("b", "opened")]
    assert sample("leadline_sink_breaker_open") == 0


async def test_a_rate_limit_without_a_wait() -> None:
    """The wait is at least a second, grows with each refusal, and starts again after a success."""
    setup = Setup()
    setup.target.answer = failing(Reason.RATE_LIMITED)
    setup.observe(made.incident(cluster="a"))
    waits = []
    for _ in range(4):
        waits.append(await setup.idle())
        setup.clock.advance(waits[-1])
    assert waits == pytest.approx([1.0, 1.0, 1.8, 3.6])
    setup.target.answer = accepting
    await setup.idle()
    setup.target.answer = failing(Reason.RATE_LIMITED)
    setup.observe(made.incident(cluster="b"))
    assert await setup.idle() == 1.0


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.UNAVAILABLE])
@pytest.mark.parametrize(("after_s", "wait_s"), [(7.0, 7.0), (1e9, 3600.0)])
async def test_a_target_that_asks_to_wait(reason: Reason, after_s: float, wait_s: float) -> None:
    """It is tried again after that time, or after an hour where it asks for more."""
    setup = Setup()
    setup.target.answer = failing(reason, after_s=after_s)
    setup.observe(made.incident(1))
    assert await setup.idle() == wait_s


async def test_a_target_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt has a time limit, after which it counts as a timeout."""
    monkeypatch.setattr(attempts, "ATTEMPT_S", 0.0)
    setup = Setup()

    async def deliver(_: Notification) -> Outcome:
        return await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(setup.target, "deliver", deliver)
    before = sample("leadline_sink_failures_total", reason="timeout")
    setup.observe(made.incident(1))
    async with asyncio.timeout(30):
        await setup.idle()
    assert sample("leadline_sink_failures_total", reason="timeout") == before + 1


async def test_the_most_severe_first() -> None:
    """Within a rate limit, the most severe incidents are sent first."""
    setup = Setup(rate=Rate(1.0, 1))
    for name, severity in (("a", "warning"), ("b", "critical"), ("c", "warning"), ("d", "critical")):
        setup.observe(made.incident(cluster=name, severity=severity))
    await setup.pass_time(10.0)
    assert [name for name, _ in setup.target.delivered] == ["b", "d", "a", "c"]


async def test_a_rejected_notification() -> None:
    """It is given up with a reason; later records are sent."""
    setup = Setup()
    setup.target.answer = lambda notification: (
        GiveUp(Reason.REJECTED, "no") if notification.incident.seq == 1 else accepting(notification)
    )
    before = sample("leadline_sink_given_up_total", reason="rejected")
    setup.observe(made.incident(1))
    assert await setup.idle() == inf
    assert setup.deliveries[-1].outcome == "given_up"
    assert setup.deliveries[-1].reason == "rejected"
    assert sample("leadline_sink_given_up_total", reason="rejected") == before + 1
    setup.restart()
    setup.observe(made.incident(1))
    assert await setup.idle() == inf
    assert len(setup.target.attempts) == 1
    setup.observe(made.incident(2))
    await setup.pass_time(10.0)
    assert setup.target.delivered == [("orders", "opened")]


async def test_a_rejected_login_is_retried() -> None:
    """Notifications are queued until the login is right, even where the sink gives up."""
    setup = Setup()
    setup.target.answer = lambda notification: GiveUp(Reason.UNAUTHORIZED, "no")
    setup.observe(made.incident(1))
    assert await setup.idle() == 30.0
    (self_incident,) = setup.self_incidents
    assert (self_incident.title, self_incident.labels) == (
        "leadline: cannot deliver to console: the target rejects the token, key or login",
        {"target": "console"},
    )
    setup.target.answer = accepting
    await setup.pass_time(31.0)
    assert setup.target.delivered == [("orders", "opened")]
    assert [(each.incident_id, each.seq, each.state) for each in setup.self_incidents] == [
        (self_incident.incident_id, 1, "open"),
        (self_incident.incident_id, 2, "resolved"),
    ]


async def test_a_self_incident_of_an_earlier_process() -> None:
    """It is not opened again, and the next success resolves it."""
    setup = Setup()
    setup.target.answer = failing(Reason.FULL)
    setup.observe(made.incident(1))
    await setup.idle()
    (self_incident,) = setup.self_incidents
    setup.restart()
    setup.observe(made.incident(1))
    setup.observe(self_incident)
    await setup.idle()
    assert len(setup.self_incidents) == 1
    setup.target.answer = accepting
    await setup.pass_time(31.0)
    assert [each.state for each in setup.self_incidents] == ["open", "resolved"]
    assert setup.target.delivered == [("orders", "opened")], "it is not notified of its own failure"


async def test_a_minute_of_failures_is_an_incident() -> None:
    """A shorter failure is none."""
    setup = Setup()
    setup.target.answer = failing(Reason.UNAVAILABLE)
    setup.observe(made.incident(1))
    await setup.pass_time(55.0)
    assert setup.self_incidents == []
    await setup.pass_time(70.0)
    assert [each.causes[0].evidence_for[0].name for each in setup.self_incidents] == ["unavailable"]


async def test_a_partial_delivery_is_continued() -> None:
    """The next attempt has the receipt, also after a restart."""
    setup = Setup()
    setup.target.answer = failing(Reason.UNAVAILABLE, receipt={"ts": "7"})
    setup.observe(made.incident(1))
    await setup.idle()
    assert setup.outcomes == ["attempted", "partial"]
    setup.restart()
    setup.observe(made.incident(1))
    setup.target.answer = accepting
    await setup.pass_time(5.0)
    assert setup.target.attempts[-1].receipt == {"ts": "7"}
    assert setup.target.attempts[-1].occasion == "opened"
    assert setup.outcomes[2:] == ["sent"]


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.UNREACHABLE])
async def test_the_end_of_an_incident_that_could_not_be_sent(reason: Reason) -> None:
    """The target is notified of the end, whether or not it may have received the first notification."""
    setup = Setup()
    setup.target.answer = failing(reason)
    setup.observe(made.incident(1))
    await setup.idle()
    setup.observe(made.resolved(2))
    setup.target.answer = accepting
    await setup.pass_time(60.0)
    assert [occasion for _, occasion in setup.target.delivered] == ["resolved"]


async def test_a_sink_with_a_defect() -> None:
    """An exception is a failure of that attempt; other incidents are sent."""

    def broken(notification: Notification) -> Outcome:
        if notification.incident.cluster == "a":
            raise ZeroDivisionError
        return accepting(notification)

    setup = Setup()
    setup.target.answer = broken
    setup.observe(made.incident(cluster="a"))
    setup.observe(made.incident(cluster="b"))
    await setup.pass_time(3.0)
    assert setup.target.delivered == [("b", "opened")]
    setup.target.answer = accepting
    await setup.pass_time(60.0)
    assert setup.target.delivered == [("b", "opened"), ("a", "opened")]


async def test_a_silence_is_recorded_once() -> None:
    """At its end, open incidents are sent, also after a restart."""
    setup = Setup()
    now = setup.clock.now()
    ends_at = now + timedelta(seconds=600)
    quiet = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=now, ends_at=ends_at, created_by="ada")
    setup.context.add_silence("s", quiet)
    setup.observe(made.incident(1))
    setup.observe(made.incident(2))
    assert await setup.idle() == 60.0
    await setup.pass_time(300.0)
    assert setup.outcomes == ["suppressed"]
    assert setup.notifier.settled(0, 2) == 1
    setup.restart()
    setup.observe(made.incident(2))
    await setup.pass_time(301.0)
    assert setup.target.delivered == [("orders", "opened")]
    assert setup.outcomes[0] == "suppressed"


async def test_revoked_partitions() -> None:
    """Nothing is sent for their incidents."""
    setup = Setup()
    setup.observe(made.incident(1))
    setup.notifier.release()
    assert await setup.idle() == inf
    assert setup.target.attempts == []


async def test_an_older_record_after_a_newer_one() -> None:
    """The record with the highest seq is sent, in whatever order they are read."""
    setup = Setup()
    for seq in (1, 3, 2):
        setup.observe(made.incident(seq))
    assert setup.notifier.settled(0, 3) == 1
    await setup.idle()
    assert [notification.incident.seq for notification in setup.target.attempts] == [3]


async def test_news_after_a_delivery() -> None:
    """An acknowledgement is sent, and so is an update when its silence ends early."""
    setup = Setup(repeat_s=0, repeat_acknowledged_s=0)
    setup.observe(made.incident(1))
    assert await setup.idle() == inf
    setup.context.add_action(made.action())
    assert await setup.idle() == inf
    now = setup.clock.now()
    ends_at = now + timedelta(days=1)
    quiet = Silence(silence_id="s", matchers={"cluster": "*"}, starts_at=now, ends_at=ends_at, created_by="ada")
    setup.context.add_silence("s", quiet)
    setup.observe(made.incident(2))
    await setup.idle()
    setup.context.add_silence("s", None)
    await setup.pass_time(10.0)
    assert [occasion for _, occasion in setup.target.delivered] == ["opened", "acknowledged", "updated"]
    assert setup.target.attempts[-1].incident.acknowledged_by == "ada"


async def test_a_delivery_that_is_read_late() -> None:
    """The later delivery holds. Those of targets of other processes are not kept."""
    setup = Setup()
    setup.observe(made.incident(1))
    await setup.idle()
    first, last = setup.deliveries[0], setup.deliveries[-1]
    setup.context.add_delivery(last, 7)
    setup.context.add_delivery(first, 6)
    assert setup.context.delivery(last.incident_id, TARGET) == last
    setup.context.add_delivery(msgspec.structs.replace(last, target="other"), 8)
    assert setup.context.delivery(last.incident_id, "other") is None

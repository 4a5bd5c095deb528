"""Whatever happens in whatever order, a target gets the newest state of every incident in the end."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from leadline.clock import ManualClock
from leadline.model.delivery import Delivery
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.settings.routing import NotifySettings
from leadline.settings.sink import SinkSettings
from leadline.settings.targets import ConsoleSettings
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.notifier import Notifier
from leadline_sinks.notify.self_incident import failing_target
from leadline_sinks.notify.sink import Notification, Outcome, Rate, Reason, Retry, Sent
from tests.unit.properties import histories
from tests.unit.sinks import made

TARGET = "console"
SETTINGS = SinkSettings(console=ConsoleSettings(enabled=True), notify=NotifySettings(repeat_s=0))
FAILURES: Mapping[str, Retry] = {
    "limited": Retry(Reason.RATE_LIMITED, "slower", 30.0),
    "unavailable": Retry(Reason.UNAVAILABLE, "no"),
    "unreachable": Retry(Reason.UNREACHABLE, "no"),
    "unauthorized": Retry(Reason.UNAUTHORIZED, "no"),
    "accepted, then no answer": Retry(Reason.TIMEOUT, "no"),
    "half": Retry(Reason.UNAVAILABLE, "no", receipt={"message": "1"}),
}


IDLE_S = 3600.0
"""When nothing was sent for this long, nothing is due but what is repeated each few hours while an incident is open."""


class Crash(Exception):
    """The process is killed at this point."""


class Target:
    """A vendor that keeps what it received and fails as scripted."""

    kind = "fake"
    unseen_actions = False
    takes_notices = True
    resend_s = 0.0
    shows_silences = False
    rate = Rate(per_s=1.0, burst=3)

    def __init__(self) -> None:
        self.script: list[str] = []
        self.delivered: dict[str, list[Notification]] = {}
        """Notifications that had an effect, by incident."""
        self.begun: Counter[str] = Counter()
        self.ambiguous: Counter[str] = Counter()
        self.in_flight = 0

    async def deliver(self, notification: Notification) -> Outcome:
        self.in_flight += 1
        assert self.in_flight == 1
        try:
            await asyncio.sleep(0)
            return self._answer(notification)
        finally:
            self.in_flight -= 1

    def _answer(self, notification: Notification) -> Outcome:
        ident = notification.incident.incident_id
        failure = self.script.pop(0) if self.script else None
        if failure in ("limited", "unavailable", "unreachable", "unauthorized"):
            return FAILURES[failure]
        before = self.delivered.setdefault(ident, [])
        if before:
            assert notification.incident.seq >= before[-1].incident.seq, "order"
            over = before[-1].incident.state == "resolved"
            assert not over or notification.incident.state == "resolved" or notification.incident.reopened, (
                "a trigger after its resolve"
            )
        before.append(notification)
        self.begun[ident] += not notification.receipt
        if failure is not None:
            self.ambiguous[ident] += failure != "half"
            return FAILURES[failure]
        return Sent({"message": "1"})

    async def test(self) -> Outcome:
        raise AssertionError("a notifier only delivers")

    async def close(self) -> None:
        raise AssertionError("a notifier only delivers")


class AnyOrder(RuleBasedStateMachine):
    incidents = Bundle("incidents")

    @initialize(edits=st.booleans())
    def start(self, edits: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock(made.START)
        self.target = Target()
        self.target.shows_silences = edits
        self.topic: list[Incident] = []
        self.newest: dict[str, Incident] = {}
        self.deliveries: list[Delivery] = []
        self.actions: list[Any] = []
        self.silences: dict[str, Silence] = {}
        self.committed = 0
        self.position = 0
        self.crash_in: int | None = None
        self.boot()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            try:
                self.heal()
            finally:
                self.loop.close()

    def boot(self) -> None:
        """Start a process that has only what is in Kafka."""
        self.context = NotificationContext([TARGET])
        for offset, delivery in enumerate(self.deliveries):
            self.context.add_delivery(delivery, offset)
        for action in self.actions:
            self.context.add_action(action)
        for ident, silence in self.silences.items():
            self.context.add_silence(ident, silence)
        self.notifier = Notifier(TARGET, self.target, SETTINGS, self.context, self.write, self.clock, lambda: 0.7)
        self.position = self.committed
        self.read()

    def read(self) -> None:
        while self.position < len(self.topic):
            self.notifier.observe(self.topic[self.position], 0, self.position)
            self.position += 1

    async def write(self, value: Delivery | Incident, home: int | None = None) -> int:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                raise Crash
        if isinstance(value, Incident):
            self.publish(value)
            return len(self.topic) - 1
        self.deliveries.append(value)
        return len(self.deliveries) - 1

    def publish(self, incident: Incident) -> None:
        self.topic.append(incident)
        self.newest[incident.incident_id] = incident
        self.read()

    def step(self) -> float:
        before = {ident: len(received) for ident, received in self.target.delivered.items()}
        try:
            return self.loop.run_until_complete(self.notifier.step())
        except Crash:
            for ident, received in self.target.delivered.items():
                self.target.ambiguous[ident] += len(received) > before.get(ident, 0)
            self.crash_in = None
            self.boot()
            return 0.0

    @rule(target=incidents, severity=st.sampled_from(["warning", "critical"]), named=st.booleans())
    def opens(self, severity: Any, named: bool) -> str:
        number = len(self.newest)
        causes = [made.cause()] if named else [made.UNKNOWN]
        at = self.clock.now()
        incident = made.incident(1, cluster=f"c{number}", opened_at=at, severity=severity, causes=causes)
        self.publish(incident)
        return incident.incident_id

    @rule(ident=incidents, severity=st.sampled_from(["warning", "critical"]))
    def goes_on(self, ident: str, severity: Any) -> None:
        before = self.newest[ident]
        if before.state == "open":
            self.publish(msgspec.structs.replace(before, seq=before.seq + 1, severity=severity, causes=[made.cause()]))

    @rule(ident=incidents)
    def resolves(self, ident: str) -> None:
        before = self.newest[ident]
        if before.state == "open":
            at = self.clock.now()
            self.publish(msgspec.structs.replace(before, seq=before.seq + 1, state="resolved", resolved_at=at))

    @rule(ident=incidents)
    def gets_worse(self, ident: str) -> None:
        before = self.newest[ident]
        if before.state == "open":
            self.publish(msgspec.structs.replace(before, seq=before.seq + 1, generation=before.generation + 1))

    @rule(ident=incidents)
    def returns(self, ident: str) -> None:
        before = self.newest[ident]
        if before.state == "resolved" and before.merged_into is None:
            again = {"state": "open", "resolved_at": None, "generation": before.generation + 1}
            reopened = [*before.reopened, self.clock.now()]
            self.publish(msgspec.structs.replace(before, seq=before.seq + 1, reopened=reopened, **again))

    @rule(ident=incidents, other=incidents)
    def is_merged(self, ident: str, other: Any) -> None:
        before = self.newest[ident]
        if before.state == "open" and ident != other:
            over = {"state": "resolved", "resolved_at": self.clock.now(), "merged_into": other}
            self.publish(msgspec.structs.replace(before, seq=before.seq + 1, **over))

    @rule(ident=incidents, seq=st.integers(1, 5))
    def records_are_written_again(self, ident: str, seq: int) -> None:
        """After a restart, a worker writes records again that it is not sure of."""
        again = {i.seq: i for i in self.topic if i.incident_id == ident and i.seq >= seq}
        self.topic += again.values()
        self.read()

    @rule(ident=incidents, kind=st.sampled_from(["acknowledge", "note"]))
    def somebody_acts(self, ident: str, kind: str) -> None:
        number = len(self.actions)
        self.actions.append(made.action(kind, number, incident_id=ident, at=self.clock.now()))
        self.context.add_action(self.actions[-1])

    @rule(ident=incidents, seconds=st.integers(1, 100))
    def somebody_silences(self, ident: str, seconds: int) -> None:
        now = self.clock.now()
        name = f"s{len(self.silences)}"
        ends_at = now + timedelta(seconds=seconds)
        self.silences[name] = Silence(
            silence_id=name, matchers={"incident": ident}, starts_at=now, ends_at=ends_at, created_by="ada"
        )
        self.context.add_silence(name, self.silences[name])

    @rule(failures=st.lists(st.sampled_from(sorted(FAILURES)), min_size=1, max_size=8))
    def the_target_will_fail(self, failures: list[str]) -> None:
        self.target.script += failures

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 31.0, 301.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(times=st.integers(1, 5))
    def works(self, times: int) -> None:
        for _ in range(times):
            self.step()

    @rule()
    def commits(self) -> None:
        self.committed = self.notifier.settled(0, self.position)

    @rule()
    def is_killed(self) -> None:
        self.boot()

    @rule(writes=st.integers(0, 2))
    def will_be_killed_before_a_write(self, writes: int) -> None:
        self.crash_in = writes

    @invariant()
    def nothing_begins_twice(self) -> None:
        """Except after a lost answer, or a crash before the delivery was recorded."""
        if hasattr(self, "target"):
            for ident, begun in self.target.begun.items():
                assert begun <= 1 + self.target.ambiguous[ident]

    def heal(self) -> None:
        """Let everything work again; then the target has the newest state of every incident."""
        self.target.script.clear()
        self.crash_in = None
        idle_s = 0.0
        for _ in range(10_000):
            received = sum(map(len, self.target.delivered.values()))
            wait_s = self.step()
            idle_s = idle_s + wait_s if received == sum(map(len, self.target.delivered.values())) else 0.0
            if idle_s > IDLE_S:
                break
            self.clock.advance(max(wait_s, 0.001))  # the sum of fractions may be slightly too small
        else:
            raise AssertionError("it does not become idle")
        for ident, newest in self.newest.items():
            if failing_target(newest) == TARGET:
                assert ident not in self.target.delivered, "it is notified of its own failure"
                continue
            received = self.target.delivered.get(ident, [])
            if newest.state == "open":
                assert received
                assert {a.action_id for a in self.actions if a.incident_id == ident} == {
                    a.action_id for notification in received for a in notification.actions
                }
            if received:
                assert received[-1].incident.state == newest.state
                # A problem that returned and ended again in between needs no second end.
                assert received[-1].incident.seq == newest.seq or newest.state == "resolved"
        copies = [
            [n for n, i in enumerate(self.topic) if i.incident_id == ident and i.seq == newest.seq]
            for ident, newest in self.newest.items()
            if newest.state == "open"
        ]
        first = min((min(offsets) for offsets in copies), default=self.position)
        last = min((max(offsets) for offsets in copies), default=self.position)
        assert first <= self.notifier.settled(0, self.position) <= last, (
            "no newest record is lost, nor an older one kept"
        )


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = histories()

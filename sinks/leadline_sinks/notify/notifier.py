"""Delivers incidents to one target: in order for each incident, within the target's rate limit, until it is up to date.

The notifier keeps the newest record of every incident that is not finished. It does not decide what is sent when
(``notify_decision``) and does not use Kafka; ``settled`` names the records that are no longer needed. After a crash, a
new notifier that gets the records from there on, and the deliveries, continues where this one stopped.
"""

import logging
from collections.abc import Sequence
from math import inf
from random import random
from typing import Final, Protocol

import msgspec

from leadline import metrics
from leadline.clock import Clock
from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.delivery import EDITS, Delivery
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.acknowledgements import covering
from leadline_sinks.notify.announced_to import is_announced, is_in_messages
from leadline_sinks.notify.apart import DEFECTS
from leadline_sinks.notify.attempts import Attempts
from leadline_sinks.notify.context import NotificationContext
from leadline_sinks.notify.delivery_records import DeliveryRecords
from leadline_sinks.notify.lease import NotOwner
from leadline_sinks.notify.next_delivery import next_delivery
from leadline_sinks.notify.notify_decision import Send, Skip, SkipReason, Suppress, Wait, decide
from leadline_sinks.notify.pacing import RandomNumber
from leadline_sinks.notify.routing import until_routed_s
from leadline_sinks.notify.self_incident import SelfIncident
from leadline_sinks.notify.sink import (
    NEEDS_OPERATOR,
    DeliveryOutcome,
    GiveUp,
    NothingNew,
    Notification,
    Reason,
    Retry,
    Sent,
    Sink,
)
from leadline_sinks.notify.situation import Situation, may_have_received
from leadline_sinks.notify.tracked_incident import TrackedIncident

AMBIGUOUS: Final = frozenset({Reason.TIMEOUT, Reason.GARBLED})
"""After a failure for these reasons the target may have received the notification."""
MAX_FINISHED: Final = 10_000
"""Finished incidents that are remembered, so that records written again are recognized."""
DECIDE_EVERY_S: Final = 60.0
"""Longest time until a decision is made again: silences end by the wall clock, which may be set."""

NOT_OWNER_S: Final = 1.0
"""Wait after Kafka has refused what this process does, until it has reported to whom the incidents belong."""


class Write(Protocol):
    """Writes records."""

    async def __call__(self, value: Delivery | Incident, home: int | None = None) -> int:
        """Write a record to its topic and return its offset once Kafka has it.

        ``home`` is the partition of the incident that a delivery is about. Raises NotOwner where it is another
        process's.
        """
        ...


log = logging.getLogger(__name__)


class Notifier:
    """The notifier of one target."""

    def __init__(
        self,
        target: str,
        sink: Sink,
        settings: SinkSettings,
        context: NotificationContext,
        write: Write,
        clock: Clock,
        random_number: RandomNumber = random,
    ) -> None:
        self._target = target
        self._sink = sink
        self._settings = settings
        self._context = context
        self._write = write
        self._clock = clock
        self._records = DeliveryRecords(target, sink.kind)
        self._tracked: dict[IncidentId, TrackedIncident] = {}
        self._finished: dict[IncidentId, int] = {}
        """The last incidents that are finished, with the ``seq`` of their last record."""
        self._attempts = Attempts(target, sink, clock, random_number)
        self._self_incident = SelfIncident(target, sink.kind, clock)
        self._revision = context.revision
        self._epoch = 0
        """Rises when incidents are taken away; a step that began before sends nothing more."""
        self._held_back = ""
        """The reason for which nothing is sent, which is reported once."""
        self._update_metrics()

    def observe(self, incident: Incident, partition: int, offset: int) -> None:
        """Take a record of the incidents topic; one that is not newer than the last is ignored."""
        self._self_incident.observe(incident)
        if incident.seq <= self._finished.get(incident.incident_id, -1):
            return  # the stream writes records again after a restart
        tracked = self._tracked.get(incident.incident_id)
        now = self._clock.monotonic()
        if tracked is None:
            self._tracked[incident.incident_id] = TrackedIncident.begin(incident, partition, offset, now)
        elif incident.seq > tracked.incident.seq:
            tracked.observe(incident, offset, now)

    def settled(self, partition: int, position: int) -> int:
        """The offset before which no record of a partition is needed, where records are read up to ``position``."""
        return min((t.offset for t in self._tracked.values() if t.partition == partition), default=position)

    def cancel(self) -> None:
        """Cancel the attempt in progress. A step that began before this sends nothing more."""
        self._epoch += 1
        self._attempts.cancel()

    def release(self) -> None:
        """Forget all incidents, since their partitions are assigned anew."""
        self.cancel()
        self._tracked.clear()
        self._update_metrics()

    async def step(self) -> float:
        """Make the decisions that are due and at most one delivery. Returns the seconds until the next step is due."""
        try:
            return await self._step()
        except NotOwner as error:
            if str(error) != self._held_back:
                log.warning("%s: nothing is sent: %s; asking again each %g s", self._target, error, NOT_OWNER_S)
            self._held_back = str(error)
            return NOT_OWNER_S

    async def _step(self) -> float:
        now = self._clock.monotonic()
        if self._context.revision != self._revision:
            self._revision = self._context.revision
            for tracked in self._tracked.values():
                tracked.decide_at = -inf
        for number, tracked in enumerate([each for each in self._tracked.values() if each.decide_at <= now]):
            try:
                await self._decide(tracked, now)
            except DEFECTS as error:
                self._set_aside(tracked, error)
            if number % 100 == 99:
                await self._clock.sleep(0)  # lets the consumer send heartbeats
        self._update_metrics()
        wait_s = min((tracked.decide_at for tracked in self._tracked.values()), default=inf) - now
        due = [tracked for tracked in self._tracked.values() if tracked.due_since is not None]
        if due:
            wait_s = min(wait_s, await self._deliver_next(due, now))
        return max(0.0, wait_s)

    async def _decide(self, tracked: TrackedIncident, now: float) -> Notification | None:
        """Decide about an incident; the notification, if one is due now."""
        decision = decide(self._situation(tracked, now), self._settings.notify)
        if isinstance(decision, Send):
            tracked.due_since = now if tracked.due_since is None else tracked.due_since
            tracked.is_edit = decision.notification.occasion in EDITS
            tracked.was_due = tracked.was_due or decision.notification.occasion == "opened"
            tracked.decide_at = inf  # until its turn to be delivered, when the decision is made again
            return decision.notification
        tracked.due_since = None
        match decision:
            case Wait(seconds):
                tracked.decide_at = now + min(seconds, DECIDE_EVERY_S)
            case Suppress(by, occasion):
                record = self._records.suppressed(
                    tracked.incident, occasion, self._last(tracked), by, self._clock.now()
                )
                await self._store(tracked, record)
            case Skip(reason, final):
                tracked.decide_at = inf
                if final:
                    self._finish(tracked, reason)
        return None

    async def _deliver_next(self, due: list[TrackedIncident], now: float) -> float:
        """Deliver the most urgent notification that may be tried now. Returns the seconds until another may be."""
        tracked, wait_s = next_delivery(due, self._attempts, now)
        if tracked is None:
            return wait_s
        try:
            await self._deliver(tracked, now)
        except DEFECTS as error:
            self._set_aside(tracked, error)
        return 0.0

    async def _deliver(self, tracked: TrackedIncident, now: float) -> None:
        epoch, notification = self._epoch, await self._decide(tracked, now)
        if notification is None:
            return
        await self._record_attempt(tracked, notification)
        if epoch != self._epoch:
            return
        outcome = await self._attempts.make(notification)
        self._held_back = ""
        if outcome is not None:
            await self._ended(tracked, notification, outcome)

    def _set_aside(self, tracked: TrackedIncident, error: Exception) -> None:
        """An incident that cannot be handled waits for its next record; the others are delivered."""
        ident = escape(tracked.incident.incident_id)
        log.error("%s: %s cannot be handled and is left out", self._target, ident, exc_info=error)
        metrics.SINK_FAILURES.labels(self._target, str(Reason.REJECTED)).inc()
        metrics.SINK_GIVEN_UP.labels(self._target, str(Reason.REJECTED)).inc()
        tracked.decide_at, tracked.due_since = inf, None

    async def _record_attempt(self, tracked: TrackedIncident, notification: Notification) -> None:
        """Record an attempt that opens something at the target before it is made: after a crash, the target may or may
        not have received it.
        """
        if notification.occasion in EDITS:
            return
        last = self._context.delivery(tracked.incident.incident_id, self._target)
        first = last is None or not may_have_received(last)
        if first or last is None or notification.rang != tuple(last.rang or (1,)):
            record = self._records.attempted(notification, last, self._clock.now())
            self._context.add_delivery(record, await self._write(record, tracked.partition))
            tracked.surely_undelivered = first

    async def _ended(self, tracked: TrackedIncident, notification: Notification, outcome: DeliveryOutcome) -> None:
        last, at = self._last(tracked), self._clock.now()
        match outcome:
            case Sent(receipt):
                await self._store(tracked, self._records.sent(notification, last, receipt, at))
                if last is None or last.seq == 0:
                    waited_s = (at - tracked.incident.detected_at).total_seconds()
                    metrics.SINK_NOTIFY_SECONDS.labels(self._target).observe(max(0.0, waited_s))
                await self._record_success()
            case NothingNew(receipt):
                await self._store(tracked, self._records.nothing_new(notification, last, receipt, at))
            case GiveUp(reason, detail) if reason not in NEEDS_OPERATOR:
                log.error("%s rejects %s: %s", self._target, escape(tracked.incident.incident_id), detail)
                metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
                metrics.SINK_GIVEN_UP.labels(self._target, str(reason)).inc()
                await self._store(tracked, self._records.given_up(notification, last, reason, at))
                await self._record_success()
            case GiveUp(reason, detail):  # the fault is the target's configuration, not this notification
                await self._record_failure(tracked, notification, Retry(reason, detail))
            case Retry() if notification.occasion in EDITS and outcome.reason not in NEEDS_OPERATOR:
                tracked.failures += 1
                self._attempts.record_failed_edit(outcome)
            case Retry():
                await self._record_failure(tracked, notification, outcome)

    async def _record_success(self) -> None:
        self._attempts.record_success()
        for record in self._self_incident.record_success():
            await self._write(record)

    async def _record_failure(self, tracked: TrackedIncident, notification: Notification, outcome: Retry) -> None:
        tracked.failures += 1
        tracked.not_before = self._attempts.record_failure(outcome, tracked.failures)
        tracked.surely_undelivered = tracked.surely_undelivered and outcome.reason not in AMBIGUOUS
        if outcome.receipt is not None:
            at = self._clock.now()
            record = self._records.partial(notification, self._last(tracked), outcome.receipt, at)
            await self._store(tracked, record, failed=True)
        incident = self._self_incident.record_failure(outcome.reason, outcome.detail)
        if incident is not None:
            await self._write(incident)

    async def _store(self, tracked: TrackedIncident, record: Delivery, *, failed: bool = False) -> None:
        self._context.add_delivery(record, await self._write(record, tracked.partition))
        tracked.record(record, self._clock.monotonic(), failed=failed)
        if not failed:
            metrics.SINK_DELIVERIES.labels(self._target, record.outcome).inc()

    def _finish(self, tracked: TrackedIncident, reason: SkipReason) -> None:
        self._tracked.pop(tracked.incident.incident_id, None)
        self._finished[tracked.incident.incident_id] = tracked.incident.seq
        if len(self._finished) > MAX_FINISHED:
            del self._finished[next(iter(self._finished))]
        if reason is SkipReason.RESOLVED_BEFORE_NOTIFICATION:
            metrics.SINK_DELIVERIES.labels(self._target, str(reason)).inc()

    def _situation(self, tracked: TrackedIncident, now: float) -> Situation:
        incident, last = tracked.incident, self._last(tracked)
        actions = self._context.actions(incident.incident_id)
        until_s = self._until_routed_s(tracked, actions, last, now)
        return Situation(
            incident=incident,
            actions=actions,
            silences=self._context.silences(),
            last=last,
            routed=until_s <= 0,
            routed_in_s=until_s,
            now=self._clock.now(),
            observed_s=now - tracked.observed_at,
            delivered_s=now - tracked.delivered_at,
            rang_s=now - tracked.rang_at,
            ended_s=now - tracked.ended_at if tracked.ended_at is not None else 0.0,
            older=self._context.delivery(incident.merged_into, self._target) if incident.merged_into else None,
            undelivered=tracked.was_due,
            held_by=self._context.datacenters.held_by(incident),
            unseen_actions=self._sink.unseen_actions,
            resend_s=self._sink.resend_s,
            shows_silences=self._sink.shows_silences,
        )

    def _until_routed_s(
        self, tracked: TrackedIncident, actions: Sequence[Action], last: Delivery | None, now: float
    ) -> float:
        """Seconds until the routes lead here, of the incident or of one that it is about: its own are held back."""
        incident, wall = tracked.incident, self._clock.now()
        if incident.announcement is not None:
            is_due = self._sink.takes_notices and is_announced(self._settings, incident, self._target)
            is_shown = self._sink.shows_silences and is_in_messages(incident.announcement, self._context, self._target)
            return 0.0 if is_due and not is_shown else inf
        if incident.class_ != "page" and not self._sink.takes_notices:
            return inf
        known = incident.acknowledged_by or covering(actions, last, incident.generation)
        began = max([incident.detected_at, *incident.reopened])
        waited_s = None if known else max(now - tracked.observed_at, (wall - began).total_seconds())
        about = (incident, *self._context.datacenters.parts(incident))
        return min(until_routed_s(self._settings, each, self._target, wall, waited_s) for each in about)

    def _last(self, tracked: TrackedIncident) -> Delivery | None:
        last = self._context.delivery(tracked.incident.incident_id, self._target)
        if last is not None and tracked.surely_undelivered:
            return msgspec.structs.replace(last, outcome="suppressed", reason=None)
        return last

    def _update_metrics(self) -> None:
        now = self._clock.monotonic()
        pending = (each.due_since for each in self._tracked.values() if not each.is_edit)
        waiting = [now - since for since in pending if since is not None]
        metrics.SINK_PENDING.labels(self._target).set(len(waiting))
        metrics.SINK_OLDEST_PENDING_SECONDS.labels(self._target).set(max(waiting, default=0.0))
        metrics.SINK_BREAKER_OPEN.labels(self._target).set(self._attempts.are_probes)

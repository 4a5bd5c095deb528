"""Brings incidents to one target: in order per incident, as fast as the target bears, until it has the newest state.

It decides nothing about content and time (``timing``) and knows no Kafka. It keeps the newest record of every incident
that is not over; ``settled`` says which of the records read may be forgotten. Killed at any moment, the next courier
that is given the records from there on, and the deliveries, goes on where this one was.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from random import random
from typing import Final

import msgspec

from leadline import metrics
from leadline.clock import Clock
from leadline.logs import escape
from leadline.model.alert import severity_rank
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.backoff import Chance, delay_s
from leadline_sinks.notify.breaker import Breaker
from leadline_sinks.notify.context import Known
from leadline_sinks.notify.notification_log import Teller
from leadline_sinks.notify.notify_decision import Nothing, Situation, Suppress, Tell, Wait, Why, begun, decide
from leadline_sinks.notify.rate_limit import Bucket
from leadline_sinks.notify.routing import targets
from leadline_sinks.notify.self_incident import Trouble
from leadline_sinks.notify.sink import NEEDS_SOMEBODY, REASONS, GiveUp, Notice, Outcome, Reason, Retry, Sent, Sink

ATTEMPT_S: Final = 60.0
"""Longest time of one attempt, which may take several requests: one that trickles in must not hold up the rest."""
MIN_PAUSE_S: Final = 1.0
"""Shortest wait after a target said that we are too fast and did not say for how long."""
AMBIGUOUS: Final = frozenset({Reason.TIMEOUT, Reason.GARBLED})
"""After these nobody knows whether the target has it."""
MAX_PAUSE_S: Final = 3600.0
"""Longest wait that a target is granted at a time, whatever it asks for."""

MAX_OVER: Final = 10_000
LOOK_AGAIN_S: Final = 60.0
"""Longest time until a case is decided about again: silences end by the wall clock, which may be set."""

Write = Callable[[Delivery | Incident], Awaitable[int]]
"""Write a record to its topic; returns its offset when Kafka has it."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Case:
    """What is known of an incident that is not over."""

    incident: Incident
    partition: int
    offset: int
    """Of the newest record."""
    seen_at: float
    """When this process learnt of it, by the monotonic clock."""
    told_at: float
    """When it was told last or, when that was before, ``seen_at``."""
    untold: bool = False
    """Whether the target is known to have nothing of it, although an attempt was written down."""
    failures: int = 0
    not_before: float = -inf
    look_at: float = -inf
    """When to decide about it again, unless something new is known."""
    due_since: float | None = None
    """Since when there is something to tell."""


class Courier:
    """Of one target."""

    def __init__(
        self,
        target: str,
        sink: Sink,
        settings: SinkSettings,
        known: Known,
        write: Write,
        clock: Clock,
        chance: Chance = random,
    ) -> None:
        self._target = target
        self._sink = sink
        self._settings = settings
        self._known = known
        self._write = write
        self._clock = clock
        self._chance = chance
        self._teller = Teller(target, sink.kind)
        self._cases: dict[IncidentId, Case] = {}
        self._over: dict[IncidentId, int] = {}
        """The last incidents that are over, with the ``seq`` of their end."""
        self._bucket = Bucket(sink.rate, clock)
        self._breaker = Breaker(clock)
        self._trouble = Trouble(target, sink.kind, clock)
        self._revision = known.revision
        self._paused_until = -inf
        self._limited = 0
        self._show()

    def take(self, incident: Incident, partition: int, offset: int) -> None:
        """A record of the incidents topic. Older than what is known, it is passed over."""
        self._trouble.seen(incident)
        case = self._cases.get(incident.incident_id)
        if incident.seq <= self._over.get(incident.incident_id, -1):
            return  # the stream writes records again after a restart
        if case is None:
            now = self._clock.monotonic()
            self._cases[incident.incident_id] = Case(incident, partition, offset, now, now)
        elif incident.seq > case.incident.seq:
            case.incident, case.offset, case.look_at = incident, offset, -inf
        elif incident.seq == case.incident.seq:
            case.offset = max(case.offset, offset)  # written twice: the later one outlives compaction

    def settled(self, partition: int, position: int) -> int:
        """The offset up to which no record of a partition, read up to ``position``, is needed any more."""
        return min((c.offset for c in self._cases.values() if c.partition == partition), default=position)

    def release(self) -> None:
        """Forget everything: the partitions go to whom they are given next."""
        self._cases.clear()
        self._show()

    async def step(self) -> float:
        """Do what is due, at most one call to the target. Returns the seconds until something may be due again."""
        now = self._clock.monotonic()
        if self._known.revision != self._revision:
            self._revision = self._known.revision
            for case in self._cases.values():
                case.look_at = -inf
        for number, case in enumerate([case for case in self._cases.values() if case.look_at <= now]):
            await self._look(case, now)
            if number % 100 == 99:
                await self._clock.sleep(0)  # for the heartbeats
        self._show()
        soonest = min((case.look_at for case in self._cases.values()), default=inf) - now
        due = [case for case in self._cases.values() if case.due_since is not None]
        if due:
            soonest = min(soonest, await self._tell(due, now))
        return max(0.0, soonest)

    async def _look(self, case: Case, now: float) -> Notice | None:
        """Decide about a case; what there is to tell, once something else is due to be told or it is its turn."""
        decision = decide(self._situation(case, now), self._settings.notify)
        if isinstance(decision, Tell):
            case.due_since = now if case.due_since is None else case.due_since
            case.look_at = inf  # it is decided again when it is its turn
            return decision.notice
        case.due_since = None
        match decision:
            case Wait(seconds):
                case.look_at = now + min(seconds, LOOK_AGAIN_S)
            case Suppress(silence, occasion):
                at = self._clock.now()
                last = self._last(case)
                await self._store(case, self._teller.suppressed(case.incident, occasion, last, silence.silence_id, at))
            case Nothing(why, over):
                case.look_at = inf
                if over:
                    self._forget(case, why)
        return None

    async def _tell(self, due: list[Case], now: float) -> float:
        """Deliver the most urgent one that may be tried now. Returns the seconds until it is worth another try."""
        held_s = max(self._breaker.wait_s(), self._paused_until - now)
        if held_s > 0:
            return held_s
        ready = [case for case in due if case.not_before <= now]
        if not ready:
            return min(case.not_before for case in due) - now
        if (wait_s := self._bucket.wait_s()) > 0:
            return wait_s
        case = min(ready, key=_urgency)
        notice = await self._look(case, now)
        if notice is None:
            return 0.0
        await self._announce(case, notice)
        self._bucket.take()
        began = self._clock.monotonic()
        try:
            async with asyncio.timeout(ATTEMPT_S):
                outcome: Outcome = await self._sink.deliver(notice)
        except TimeoutError:
            outcome = Retry(Reason.TIMEOUT, f"not done in {ATTEMPT_S:g} s")
        except Exception as error:  # a defect of the sink must not keep the other incidents from being told
            log.exception("the sink of %s failed on %s", self._target, escape(case.incident.incident_id))
            outcome = Retry(Reason.GARBLED, f"a defect of ours: {type(error).__name__}")
        metrics.SINK_ATTEMPT_SECONDS.labels(self._target).observe(self._clock.monotonic() - began)
        await self._ended(case, notice, outcome)
        return 0.0

    async def _announce(self, case: Case, notice: Notice) -> None:
        """Write down that the target will be told for the first time: killed during it, nobody knows if it was."""
        last = self._known.delivery(case.incident.incident_id, self._target)
        if last is None or not begun(last):
            record = self._teller.attempted(notice.incident, notice.occasion, last, self._clock.now())
            self._known.delivered(record, await self._write(record))
            case.untold = True

    async def _ended(self, case: Case, notice: Notice, outcome: Outcome) -> None:
        last, at = self._last(case), self._clock.now()
        match outcome:
            case Sent(receipt):
                await self._store(case, self._teller.sent(notice, last, receipt, at))
                if last is None or last.seq == 0:
                    waited_s = (at - case.incident.detected_at).total_seconds()
                    metrics.SINK_NOTIFY_SECONDS.labels(self._target).observe(max(0.0, waited_s))
                await self._works()
            case GiveUp(reason, detail) if reason not in NEEDS_SOMEBODY:
                log.error("%s will not have %s: %s", self._target, escape(case.incident.incident_id), detail)
                metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
                metrics.SINK_GIVEN_UP.labels(self._target, str(reason)).inc()
                await self._store(case, self._teller.given_up(notice, last, reason, at))
                await self._works()
            case GiveUp(reason, detail):  # it is the target that is not right; what it is told may wait
                await self._fails(case, notice, Retry(reason, detail))
            case Retry():
                await self._fails(case, notice, outcome)

    async def _works(self) -> None:
        if self._breaker.is_open:
            log.info("%s can be told again", self._target)
        self._breaker.worked()
        self._limited = 0
        for record in self._trouble.worked():
            await self._write(record)

    async def _fails(self, case: Case, notice: Notice, outcome: Retry) -> None:
        now, reason = self._clock.monotonic(), outcome.reason
        was_open = self._breaker.is_open
        metrics.SINK_FAILURES.labels(self._target, str(reason)).inc()
        case.failures += 1
        wait_s = min(MAX_PAUSE_S, outcome.after_s or 0.0)
        if reason is Reason.RATE_LIMITED:
            self._limited += 1
            self._paused_until = now + (wait_s or max(MIN_PAUSE_S, delay_s(self._limited, self._chance)))
        else:
            self._breaker.failed(at_once=reason in NEEDS_SOMEBODY)
            case.not_before = now + max(wait_s, delay_s(case.failures, self._chance))
        if self._breaker.is_open and not was_open:
            log.error("%s cannot be told: %s; what it is to be told waits", self._target, outcome.detail)
        else:
            log.info("%s: %s (%s)", self._target, REASONS[reason], outcome.detail)
        case.untold = case.untold and reason not in AMBIGUOUS
        if outcome.receipt is not None:
            at = self._clock.now()
            record = self._teller.partial(notice, self._last(case), outcome.receipt, at)
            await self._store(case, record, failed=True)
        trouble = self._trouble.failed(reason, outcome.detail)
        if trouble is not None:
            await self._write(trouble)

    async def _store(self, case: Case, record: Delivery, *, failed: bool = False) -> None:
        self._known.delivered(record, await self._write(record))
        case.told_at, case.untold, case.look_at = self._clock.monotonic(), False, -inf
        if not failed:
            case.failures, case.not_before, case.due_since = 0, -inf, None
            metrics.SINK_DELIVERIES.labels(self._target, record.outcome).inc()

    def _forget(self, case: Case, why: Why) -> None:
        self._cases.pop(case.incident.incident_id, None)
        self._over[case.incident.incident_id] = case.incident.seq
        if len(self._over) > MAX_OVER:
            del self._over[next(iter(self._over))]
        if why is Why.NEVER_TOLD:
            metrics.SINK_DELIVERIES.labels(self._target, str(why)).inc()

    def _situation(self, case: Case, now: float) -> Situation:
        incident = case.incident
        return Situation(
            incident=incident,
            actions=self._known.actions(incident.incident_id),
            silences=self._known.silences(),
            last=self._last(case),
            routed=self._target in targets(self._settings, incident),
            now=self._clock.now(),
            seen_s=now - case.seen_at,
            told_s=now - case.told_at,
        )

    def _last(self, case: Case) -> Delivery | None:
        last = self._known.delivery(case.incident.incident_id, self._target)
        if last is not None and case.untold:
            return msgspec.structs.replace(last, outcome="suppressed", reason=None)
        return last

    def _show(self) -> None:
        now = self._clock.monotonic()
        waiting = [now - case.due_since for case in self._cases.values() if case.due_since is not None]
        metrics.SINK_PENDING.labels(self._target).set(len(waiting))
        metrics.SINK_OLDEST_PENDING_SECONDS.labels(self._target).set(max(waiting, default=0.0))
        metrics.SINK_BREAKER_OPEN.labels(self._target).set(self._breaker.is_open)


def _urgency(case: Case) -> tuple[int, float]:
    """The most severe first, then what waits longest."""
    return -severity_rank(case.incident.severity), case.due_since or 0.0

"""Arrivals put into event-time order, so that what is judged does not depend on which agent was faster.

Each agent's observations arrive in their own order. One is released as soon as every live source of the cluster has
been heard at or after its time; ticks release what is older than the allowed lateness, so a dead source holds nobody
up. What arrives below the horizon (the time up to which has been judged) is late and not judged.

A source that is new, or was silent for long, is admitted one lateness after its first observation: until then other
arrival orders could have put that observation elsewhere. Invariant: for all arrival orders that keep each source's own
order and displace nothing by more than ``lateness_s``, the sequence released is the same.
"""

from dataclasses import dataclass, field
from enum import Enum
from heapq import heappush
from math import inf
from operator import itemgetter

from leadline.errors import BadRecord
from leadline.model.finding import FindingReport
from leadline.model.observation import NodeSettings, Sample
from leadline.wire import FUTURE
from leadline_streams.judge.policy import Policy

AGREEING = 3
"""A clock is taken to be wrong after this many observations in a row agree by how much."""
MAX_WAIT_S = 120.0
"""A source that lags the others by more is not waited for, even while no tick passes: it bounds memory."""
PATIENCE_S = 60.0
"""After ticks were away (the broker or the processor was down), spools get this long to drain."""
MISSED = 5.0
"""Intervals without a sample after which a node is silent, where they are longer than the policy's seconds."""
_AWAY_S = 5.0


class Arrival(Enum):
    """What became of an observation that was offered."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    LATE = "late"


ACCEPTED, DUPLICATE, LATE = Arrival


@dataclass(slots=True)
class Source:
    """One agent's stream about one node."""

    boot: str = ""
    seq: int = -1
    frontier: float = 0.0
    """Corrected time of its newest observation; 0 before the first."""
    admitted_at: float = 0.0
    stale_after_s: float = 5.0
    correction_s: float = 0.0
    """Added to its times because its clock is wrong."""
    suspected_s: float = 0.0
    agreeing: int = 0


@dataclass(slots=True)
class Arrivals:
    """Observations on their way to judgement."""

    sources: dict[str, Source] = field(default_factory=dict)
    waiting: list[tuple[float, str, int, str, Sample | NodeSettings | FindingReport]] = field(default_factory=list)
    """A heap by time, node, seq and boot."""
    awaited: dict[str, float] = field(default_factory=dict)
    """The frontiers of the sources that judgement waits for."""
    newest: float = 0.0
    """The newest frontier of all sources."""
    horizon: float = 0.0
    """Everything up to here has been judged."""
    now: float = 0.0
    """Time of the newest tick; 0 before the first."""
    patient_until: float = 0.0
    floor: float = 0.0
    """Ticks let judgement proceed up to here."""

    def follow(self, seen: Sample | NodeSettings, policy: Policy) -> bool:
        """Take an observation that is newer than all before it and comes when it should; False, and not taken, if not.

        Of most that is so, and then judgement may wait: what could be judged before it can be afterwards, and is the
        same, for it moves nothing but its own source's frontier, forward.
        """
        node, time = seen.node, seen.sent_at.timestamp()
        source = self.sources.get(node.name)
        if source is None or time <= self.newest or time < self.horizon or not isinstance(seen, Sample):
            return False
        step, stale_after_s = time - source.frontier, source.stale_after_s
        if step > stale_after_s or step > policy.clock_tolerance_s or time < source.admitted_at or source.correction_s:
            return False
        if seen.seq <= source.seq or source.boot != node.boot or _stale_after_s(seen, policy) != stale_after_s:
            return False
        source.seq = seen.seq
        source.frontier = self.awaited[node.name] = self.newest = time
        heappush(self.waiting, (time, node.name, seen.seq, node.boot, seen))
        return True

    def offer(self, seen: Sample | NodeSettings, spooled: bool, policy: Policy) -> Arrival:
        """Take an observation. Raises BadRecord when it is from the future."""
        node = seen.node
        name, boot, seq, time = node.name, node.boot, seen.seq, seen.sent_at.timestamp()
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source(stale_after_s=policy.stale_after_s)
        elif seq <= source.seq and boot == source.boot:
            return DUPLICATE
        step = time - source.frontier
        if source.correction_s or not 0.0 <= step <= policy.clock_tolerance_s:
            placed = self._place(source, name, time, spooled, policy)
            if placed is None or placed < source.frontier:
                # Not to be trusted yet, an earlier run's leftovers, or a time lived through before its clock was set.
                return LATE
            time, step = placed, placed - source.frontier
        if step > source.stale_after_s:
            source.admitted_at = time + policy.lateness_s
        source.boot, source.seq = boot, seq
        source.frontier = self.awaited[name] = time
        if time > self.newest:
            self.newest = time
        if isinstance(seen, Sample):
            source.stale_after_s = _stale_after_s(seen, policy)
            if time < self.horizon:
                return LATE
            if time < source.admitted_at:
                return ACCEPTED
        else:
            # Rare and needed for ten minutes: settled at the next moment that can still be judged.
            time = max(time, source.admitted_at, self.horizon)
        heappush(self.waiting, (time, name, seq, boot, seen))
        return ACCEPTED

    def enqueue(self, report: FindingReport) -> None:
        """Take a report of findings: it is judged in its turn, and nothing waits for the source's next one."""
        time = max(report.sent_at.timestamp(), self.horizon)
        heappush(self.waiting, (time, report.source, report.seq, report.boot, report))

    def tick(self, now: float, policy: Policy) -> None:
        """Note that time has passed."""
        if now <= self.now:
            return
        away = now - self.now
        if self.now and away > _AWAY_S:
            self.patient_until = now + min(away, PATIENCE_S)
        self.now = now
        if now >= self.patient_until or self._slowest(self.horizon) >= now - policy.lateness_s:
            self.patient_until = 0.0
        self.floor = now - policy.lateness_s if not self.patient_until else 0.0

    def ready(self) -> float:
        """The time up to which judgement may proceed: the caller takes from ``waiting`` and moves the horizon."""
        bound = max(self.horizon, self.newest - MAX_WAIT_S, self.floor)
        # A heap is slower for clusters of less than some thirty nodes.
        slowest = min(self.awaited.values(), default=inf)
        if slowest < bound:
            slowest = self._slowest(bound)
        return slowest if bound < slowest < inf else bound

    def _slowest(self, judged: float) -> float:
        """The frontier of the slowest source that is waited for; infinite when there is none.

        A source is no longer waited for when its last word is stale at the time that is ``judged``.
        """
        for name, frontier in sorted(self.awaited.items(), key=itemgetter(1)):
            if frontier + self.sources[name].stale_after_s > judged:
                return frontier
            del self.awaited[name]
        return inf

    def _place(self, source: Source, name: str, raw: float, spooled: bool, policy: Policy) -> float | None:
        """The corrected time, or None while a clock that is behind is not known to be wrong yet."""
        time = raw + source.correction_s
        reference = max(self.now, self.newest)
        tolerance = policy.clock_tolerance_s
        flows_on = 0.0 <= time - source.frontier <= tolerance
        if not reference or spooled or flows_on or abs(time - reference) <= tolerance:
            source.agreeing = 0
            if source.correction_s and abs(raw - reference) <= tolerance and raw >= source.frontier:
                source.correction_s = 0.0
                return raw
            return time
        offset = reference - raw
        source.agreeing = source.agreeing + 1 if abs(offset - source.suspected_s) <= tolerance else 1
        source.suspected_s = offset
        if source.agreeing >= AGREEING:
            source.correction_s = offset
            source.agreeing = 0
            return reference
        if time > reference:
            raise BadRecord(FUTURE, f"{name} is {time - reference:.1f} s ahead; clocks may differ by {tolerance:g} s")
        return None


def _stale_after_s(sample: Sample, policy: Policy) -> float:
    """How long after a sample its source is silent, if no other comes."""
    missed_s, least_s = MISSED * sample.interval_s, policy.stale_after_s
    return missed_s if missed_s > least_s else least_s

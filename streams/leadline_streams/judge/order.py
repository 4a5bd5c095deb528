"""Arrivals put into event-time order, so that what is judged does not depend on which agent was faster.

Each agent's observations arrive in their own order. One is released as soon as every live source of the cluster has
been heard at or after its time; ticks release what is older than the allowed lateness, so a dead source holds nobody
up. What arrives below the horizon (the time up to which has been judged) is late and not judged.

A source that is new, or was silent for long, is admitted one lateness after its first observation: until then other
arrival orders could have put that observation elsewhere. Invariant: for all arrival orders that keep each source's own
order and displace nothing by more than ``lateness_s``, the sequence released is the same.
"""

from enum import Enum
from heapq import heappop, heappush, heapreplace
from math import inf

import msgspec

from leadline.errors import BadRecord
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


class Source(msgspec.Struct):
    """One agent's stream about one node."""

    boot: str = ""
    seq: int = -1
    frontier: float = 0.0
    """Corrected time of its newest observation; 0 before the first."""
    admitted_at: float = 0.0
    stale_after_s: float = 5.0
    awaited: bool = False
    """Whether judgement waits for it: it is in ``Arrivals.awaited``."""
    correction_s: float = 0.0
    """Added to its times because its clock is wrong."""
    suspected_s: float = 0.0
    agreeing: int = 0


class Arrivals(msgspec.Struct):
    """Observations on their way to judgement."""

    sources: dict[str, Source] = {}
    waiting: list[tuple[float, str, int, str, Sample | NodeSettings]] = []
    """A heap by time, node, seq and boot."""
    awaited: list[tuple[float, str]] = []
    """A heap of sources by a frontier they had; brought up to date when it surfaces."""
    newest: float = 0.0
    """The newest frontier of all sources."""
    horizon: float = 0.0
    """Everything up to here has been judged."""
    now: float = 0.0
    """Time of the newest tick; 0 before the first."""
    patient_until: float = 0.0

    def offer(self, seen: Sample | NodeSettings, raw: float, spooled: bool, policy: Policy) -> Arrival:
        """Take an observation made at ``raw`` by its agent's clock. Raises BadRecord when it is from the future."""
        name, boot, seq = seen.node.name, seen.node.boot, seen.seq
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source(stale_after_s=policy.stale_after_s)
        elif boot == source.boot and seq <= source.seq:
            return Arrival.DUPLICATE
        time: float | None = raw + source.correction_s
        if source.correction_s or not 0.0 <= raw - source.frontier <= policy.clock_tolerance_s:
            time = self._place(source, name, raw, spooled, policy)
        if time is None or time < source.frontier:
            # Not to be trusted yet, an earlier run's leftovers, or a time lived through before the clock was set back.
            return Arrival.LATE
        if time - source.frontier > source.stale_after_s:
            source.admitted_at = time + policy.lateness_s
        source.boot, source.seq, source.frontier = boot, seq, time
        if time > self.newest:
            self.newest = time
        if not source.awaited:
            source.awaited = True
            heappush(self.awaited, (time, name))
        if isinstance(seen, NodeSettings):
            # Rare and needed for ten minutes: settled at the next moment that can still be judged.
            time = max(time, source.admitted_at, self.horizon)
        else:
            source.stale_after_s = stale_after_s(seen, policy)
            if time < self.horizon:
                return Arrival.LATE
            if time < source.admitted_at:
                return Arrival.ACCEPTED
        heappush(self.waiting, (time, name, seq, boot, seen))
        return Arrival.ACCEPTED

    def tick(self, now: float, policy: Policy) -> None:
        """Note that time has passed."""
        if now <= self.now:
            return
        away = now - self.now
        if self.now and away > _AWAY_S:
            self.patient_until = now + min(away, PATIENCE_S)
        self.now = now
        if now >= self.patient_until or self._slowest() >= now - policy.lateness_s:
            self.patient_until = 0.0

    def ready(self, policy: Policy) -> float:
        """The time up to which judgement may proceed."""
        bound = self.horizon
        slowest = self._slowest()
        if bound < slowest < inf:
            bound = slowest
        if bound < self.newest - MAX_WAIT_S:
            bound = self.newest - MAX_WAIT_S
        if self.now and not self.patient_until and bound < self.now - policy.lateness_s:
            bound = self.now - policy.lateness_s
        return bound

    def release(self, upto: float) -> tuple[float, Sample | NodeSettings] | None:
        """The next observation up to a time, in order. The caller moves the horizon as it judges them."""
        if not self.waiting or self.waiting[0][0] > upto:
            return None
        item = heappop(self.waiting)
        return item[0], item[4]

    def _slowest(self) -> float:
        """The frontier of the slowest source that is waited for; infinite when there is none."""
        awaited = self.awaited
        while awaited:
            frontier, name = awaited[0]
            source = self.sources[name]
            if source.frontier > frontier:
                heapreplace(awaited, (source.frontier, name))
            elif frontier + source.stale_after_s <= self.horizon:
                source.awaited = False
                heappop(awaited)
            else:
                return frontier
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


def stale_after_s(sample: Sample, policy: Policy) -> float:
    """How long a node may be silent before what it said is no longer evidence."""
    return max(policy.stale_after_s, MISSED * sample.interval_s)

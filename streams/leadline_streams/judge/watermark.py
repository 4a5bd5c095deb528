"""Watermark of a cluster: arrivals put into event-time order, so that the outcome does not depend on the faster agent.

Each agent's observations arrive in their own order. An observation is released as soon as every live source of the
cluster has reported at or after its time. Ticks release observations older than the allowed lateness, so a dead source
delays nobody. An observation below the horizon (the time up to which all has been judged) is late and not judged.

A source that is new, or was silent for long, is admitted one lateness after its first observation: until then other
arrival orders could have put that observation elsewhere. Invariant: for all arrival orders that keep each source's own
order and displace no observation by more than ``lateness_s``, the sequence released is the same.
"""

from heapq import heapify, heappush
from math import inf
from operator import itemgetter

from msgspec import Struct, field

from leadline.errors import BadRecord
from leadline.model.finding import EngineVitals, FindingReport
from leadline.model.observation import NodeSettings, Sample
from leadline.model.vitals import Vitals
from leadline.wire import FUTURE
from leadline.words import duration
from leadline_streams.judge.packed_vitals import pack
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.sources import ACCEPTED, DUPLICATE, LATE, Admission, Source, Waiting, WaitingVitals

AGREEING = 3
"""A clock counts as wrong after this many observations in a row show the same offset."""
MAX_WAIT_S = 120.0
"""A source that is further behind the others is not waited for, even without ticks. It bounds memory."""
MOST_WAITING = 10_000
"""Observations of a cluster that may wait for a slow source. Beyond that the oldest are judged without it, and its own
count as late: judging all of them at once must not take longer than Kafka waits for a worker."""
PATIENCE_S = 60.0
"""After a time without ticks (the broker or the processor was down), spools get this long to drain."""
MISSED = 5.0
"""Intervals without a sample after which a node is silent, if that is longer than ``Policy.stale_after_s``."""
JUST_S = 1.0
"""Judging that has gone on for less than this after a source could be admitted leaves room for its first tables."""
_AWAY_S = 5.0
LONGEST_INTERVAL_S = 21_600.0
"""An agent looks at least this often, whatever its samples say."""
WENT_BACK_S = 60.0
"""A tick that is so much before the newest one shows that that one was wrong."""
LATEST_S = 32_503_680_000.0
"""The year 3000. A later time is refused even where no other clock contradicts it: such a time with a duration added
may be after the last one that can be written, which is in the year 9999."""
REPORTED = "\0"
"""The name of a report's source begins so among what waits: no node has its place."""


class Arrivals(Struct, omit_defaults=True):
    """Observations that wait to be judged."""

    sources: dict[str, Source] = field(default_factory=dict)
    waiting: list[tuple[float, str, int, str, Waiting]] = field(default_factory=list)
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
    corrected_until: float = 0.0
    """The newest time that was corrected for a wrong clock."""
    floor: float = 0.0
    """Ticks let judgement proceed up to here."""
    doubts: int = 0
    """Ticks in a row that are before what is known."""

    def follow(self, seen: Sample | NodeSettings, policy: Policy) -> bool:
        """Take an observation that is newer than all others and on time; return False, and take nothing, if not.

        Most observations are. Judging may then wait: such an observation only moves its own source's frontier
        forward, so whatever could be judged before it gives the same result after it.
        """
        node, time = seen.node, seen.sent_at.timestamp()
        source = self.sources.get(node.name)
        if source is None or time <= self.newest or time < self.horizon or not isinstance(seen, Sample):
            return False
        step, stale_after_s = time - source.frontier, source.stale_after_s
        if step > stale_after_s or step > policy.clock_tolerance_s or time < source.admitted_at or source.correction_s:
            return False
        if seen.seq <= source.seq or source.boot != node.boot:
            return False
        missed_s = MISSED * seen.interval_s  # the longest interval is ``offer``'s matter
        if stale_after_s != (missed_s if missed_s > policy.stale_after_s else policy.stale_after_s):
            return False
        source.seq = seen.seq
        source.frontier = self.awaited[node.name] = self.newest = time
        if source.base is not None:
            source.base = None
        heappush(self.waiting, (time, node.name, seen.seq, node.boot, seen))
        return True

    def follow_vitals(self, vitals: EngineVitals, packed: bytes, policy: Policy) -> bool:
        """The same with vitals whose base is judged, too. ``packed``: as ``packed_vitals`` has them."""
        name, time = vitals.node, vitals.sent_ms / 1000
        source = self.sources.get(name)
        if source is None or time <= self.newest or time < self.horizon or vitals.seq <= source.seq:
            return False
        step = time - source.frontier
        if step > source.stale_after_s or step > policy.clock_tolerance_s or time < source.admitted_at:
            return False
        if source.boot != vitals.boot or source.correction_s or source.base is not None:
            return False
        source.seq = vitals.seq
        source.frontier = self.awaited[name] = self.newest = time
        heappush(self.waiting, (time, name, vitals.seq, vitals.boot, WaitingVitals(vitals, packed)))
        return True

    def offer(
        self, seen: Sample | NodeSettings | EngineVitals, spooled: bool, policy: Policy, packed: bytes = b""
    ) -> Admission:
        """Take any observation. Raises BadRecord when its time is in the future; then nothing is kept of it but that
        later vitals may stand on it. ``packed``: vitals as ``packed_vitals`` has them."""
        if isinstance(seen, Vitals):
            name, boot, time = seen.node, seen.boot, seen.sent_ms / 1000
        else:
            name, boot, time = seen.node.name, seen.node.boot, seen.sent_at.timestamp()
        seq = seen.seq
        _refuse_after_latest(name, time)
        source = self.sources.get(name)
        if source is None:
            source = self.sources[name] = Source(stale_after_s=policy.stale_after_s)
        elif seq <= (source.seq if boot == source.boot else source.before.get(boot, -1)):
            return DUPLICATE
        if isinstance(seen, Sample) and seen.up:
            source.base = seen
        step = time - source.frontier
        flows_on = 0.0 <= step <= policy.clock_tolerance_s and (spooled or time >= self.horizon)
        if source.correction_s or not flows_on:
            source.offered_at = self.now
            placed = self._place(source, name, time, spooled, policy)
            if placed is None or placed < source.frontier:
                # Its clock is not trusted yet, or it is from an earlier run, or from before the clock was set back.
                return LATE
            time, step = placed, placed - source.frontier
            if source.correction_s:
                self.corrected_until = max(self.corrected_until, time)
        if step > source.stale_after_s:
            source.admitted_at = time + policy.lateness_s
        if boot != source.boot:
            source.begin(boot)
        source.seq = seq
        source.frontier = self.awaited[name] = time
        if time > self.newest:
            self.newest = time
        if not isinstance(seen, NodeSettings):
            has_tables = False
            if isinstance(seen, Sample):
                source.stale_after_s, has_tables = _stale_after_s(seen, policy), seen.tables is not None
            if has_tables and time <= source.admitted_at and self.horizon - source.admitted_at < JUST_S:
                # Tables are sent while something fails, and not again for half a minute: judged when it is admitted,
                # or at the next time that is still open where judging has just passed that.
                time = max(source.admitted_at, self.horizon)
            elif time < self.horizon:
                return LATE
            elif time < source.admitted_at:
                return ACCEPTED
        else:
            # Settings are rare and stay valid for minutes: they are judged at the next time that is still open.
            time = max(time, source.admitted_at, self.horizon)
        if isinstance(seen, Sample):
            source.base = None
        waiting = WaitingVitals(seen, packed or pack(seen)) if isinstance(seen, Vitals) else seen
        heappush(self.waiting, (time, name, seq, boot, waiting))
        return ACCEPTED

    def enqueue(self, report: FindingReport) -> None:
        """Take a report of findings. It is judged in order; nothing waits for the source's next report.

        Raises BadRecord when its time is after ``LATEST_S``.
        """
        time = max(report.sent_at.timestamp(), self.horizon)
        _refuse_after_latest(report.source, time)
        place = (time, REPORTED + report.source, report.seq, report.boot)
        if not any(waiting[:4] == place for waiting in self.waiting):  # a repetition
            heappush(self.waiting, (*place, report))

    def forget(self, name: str) -> None:
        """A node is forgotten, with what waits to be judged of it."""
        self.sources.pop(name, None)
        self.awaited.pop(name, None)
        left = [waiting for waiting in self.waiting if waiting[1] != name]
        if len(left) < len(self.waiting):
            self.waiting = left
            heapify(left)

    def tick(self, now: float, policy: Policy) -> None:
        """Note that time has passed. Ticks have the time of the broker: what is ahead of them was wrong."""
        wrong = now < self.now - WENT_BACK_S or self.newest > now + policy.clock_tolerance_s
        self.doubts = self.doubts + 1 if wrong else 0
        if self.doubts >= AGREEING:
            self._return_to(now, policy)
        if now <= self.now:
            return
        away = now - self.now
        if self.now and away > _AWAY_S:
            self.patient_until = now + min(away, PATIENCE_S)
        self.now = now
        if now >= self.patient_until or self._slowest(self.horizon) >= now - policy.lateness_s:
            self.patient_until = 0.0
        self.floor = now - policy.lateness_s if not self.patient_until else 0.0

    def _return_to(self, now: float, policy: Policy) -> None:
        """Correct the sources that are ahead of the ticks, and judge on from where these are."""
        for name, source in self.sources.items():
            ahead_s = source.frontier - now
            if ahead_s > policy.clock_tolerance_s:
                source.correction_s -= ahead_s
                source.agreeing = 0
                source.frontier = source.admitted_at = now
                self.corrected_until = now
                if name in self.awaited:
                    self.awaited[name] = now
        self.waiting = [(min(time, now), name, seq, boot, seen) for time, name, seq, boot, seen in self.waiting]
        heapify(self.waiting)
        self.now, self.newest = min(self.now, now), min(self.newest, now)
        self.horizon, self.floor = min(self.horizon, now), min(self.floor, now)
        self.patient_until = 0.0

    def ready(self) -> float:
        """The watermark: the time up to which judging may proceed. The caller empties ``waiting`` up to it."""
        bound = max(self.horizon, self.newest - MAX_WAIT_S, self.floor)
        # A heap would be slower for clusters of fewer than about thirty nodes.
        slowest = min(self.awaited.values()) if self.awaited else inf
        if slowest < bound:
            slowest = self._slowest(bound)
        return slowest if bound < slowest < inf else bound

    def _slowest(self, judged: float) -> float:
        """The frontier of the slowest awaited source; infinite when there is none.

        A source whose last observation is stale at the time ``judged`` is no longer awaited.
        """
        for name, frontier in sorted(self.awaited.items(), key=itemgetter(1)):
            if frontier + self.sources[name].stale_after_s > judged:
                return frontier
            del self.awaited[name]
        return inf

    def _place(self, source: Source, name: str, raw: float, spooled: bool, policy: Policy) -> float | None:
        """The corrected time. None while a clock is behind and it is not certain yet that it is wrong."""
        time = raw + source.correction_s
        reference = max(self.now, self.newest)
        tolerance = policy.clock_tolerance_s
        # A clock that was wrong before the first tick flows on, too; what it dates is never judged.
        flows_on = 0.0 <= time - source.frontier <= tolerance and time >= self.horizon
        fits = not reference or spooled or flows_on or abs(time - reference) <= tolerance
        if source.correction_s and abs(raw - reference) <= tolerance and (raw >= source.frontier or not fits):
            # The clock was set right: uncorrected its time fits.
            source.agreeing, source.correction_s = 0, 0.0
            return raw
        if fits:
            source.agreeing = 0
            return time
        offset = reference - raw
        source.agreeing = source.agreeing + 1 if abs(offset - source.suspected_s) <= tolerance else 1
        source.suspected_s = offset
        if source.agreeing >= AGREEING:
            source.correction_s = offset
            source.agreeing = 0
            return reference
        if time > reference:
            raise BadRecord(
                FUTURE, f"{name} is {duration(time - reference)} ahead; clocks may differ by {duration(tolerance)}"
            )
        return None


def _refuse_after_latest(source: str, time: float) -> None:
    if time > LATEST_S:
        raise BadRecord(FUTURE, f"{source} dates it after the year 3000")


def _stale_after_s(sample: Sample, policy: Policy) -> float:
    """Seconds after a sample from which its source counts as silent."""
    interval_s, least_s = sample.interval_s, policy.stale_after_s
    missed_s = MISSED * (interval_s if interval_s < LONGEST_INTERVAL_S else LONGEST_INTERVAL_S)
    return missed_s if missed_s > least_s else least_s

"""When was the primary at this position? The answer is the lag, on one clock only.

Each sample of a primary gives a pair (time, end of its log). The lag of any downstream is the newest such time minus
the time at the downstream's position. An idle primary adds no pairs, so its replicas show zero; a cut stream shows
growing lag as soon as the primary writes. Points thin out with age: neighbours are never further apart than 5 % of
their age, so lag stays exact to 5 % however long it gets, in bounded memory.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

_MAX_POINTS = 256
_SPACING = 0.05
_REACH_S = 2 * 86400.0


@dataclass(slots=True)
class LsnClock:
    """Pairs of (time in seconds, position in bytes), both rising; ``times[i]`` is the *last* time at ``lsns[i]``."""

    times: list[float] = field(default_factory=list)
    lsns: list[int] = field(default_factory=list)

    def add(self, time: float, lsn: int) -> None:
        """Note that the log ended at ``lsn`` at ``time``. Older times are ignored; a log that went back starts anew."""
        times, lsns = self.times, self.lsns
        if not times:
            times.append(time)
            lsns.append(lsn)
            return
        if time < times[-1]:
            return
        last = lsns[-1]
        if lsn == last:
            times[-1] = time
        elif lsn < last:
            # Promotion to a shorter history: nothing measured before holds for it.
            self.times, self.lsns = [time], [lsn]
        else:
            times.append(time)
            lsns.append(lsn)
            if len(times) > _MAX_POINTS:
                self._thin()

    @property
    def end(self) -> int | None:
        """Newest known end of the log."""
        return self.lsns[-1] if self.lsns else None

    def lag(self, position: int) -> float | None:
        """Seconds between the position and the newest point: 0 when caught up, None when nothing is known.

        A position older than memory gives the age of the oldest point: at least that much.
        """
        lsns = self.lsns
        if not lsns:
            return None
        if position >= lsns[-1]:
            return 0.0
        times = self.times
        after = bisect_right(lsns, position)
        if after == 0:
            return times[-1] - times[0]
        low, high = lsns[after - 1], lsns[after]
        start, stop = times[after - 1], times[after]
        return times[-1] - (start + (stop - start) * (position - low) / (high - low))

    def rate(self, span_s: float, before_s: float = 0.0) -> float | None:
        """Bytes per second written over about ``span_s`` seconds up to ``before_s`` ago; None without two points."""
        times = self.times
        last = bisect_right(times, times[-1] - before_s) - 1 if times else 0
        if last < 1:
            return None
        first = max(0, bisect_right(times, times[last] - span_s) - 1)
        if first == last:
            return 0.0
        return (self.lsns[last] - self.lsns[first]) / max(times[last] - times[first], 1e-3)

    def moved_within(self, span_s: float) -> bool:
        """Whether the log grew during the last ``span_s`` seconds that were observed."""
        times = self.times
        return len(times) > 1 and times[-2] > times[-1] - span_s

    def _thin(self) -> None:
        now = self.times[-1]
        times, lsns = [now], [self.lsns[-1]]
        # Newest to oldest; the newest 60 seconds stay whole because 5 % of their age is below any sample interval.
        for time, lsn in zip(reversed(self.times[:-1]), reversed(self.lsns[:-1]), strict=True):
            age = now - time
            if age > _REACH_S:
                break
            if times[-1] - time >= _SPACING * age:
                times.append(time)
                lsns.append(lsn)
        self.times, self.lsns = times[::-1], lsns[::-1]

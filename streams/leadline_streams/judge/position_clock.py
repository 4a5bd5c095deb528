"""Lag on the primary's clock alone: the times at which it had reached which position.

Each sample of a primary gives a pair (time, newest position). The lag of any downstream is the newest such time minus
the time at the downstream's position. An idle primary adds no pairs, so its replicas show zero; a cut stream shows
growing lag as soon as the primary writes. Points thin out with age: neighbours are never further apart than 5 % of
their age, so lag stays exact to 5 % however long it gets, in bounded memory.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from msgspec import Struct

_MAX_POINTS = 256
_SPACING = 0.05
_REACH_S = 2 * 86400.0


if TYPE_CHECKING:
    _Floats = array[float]
    _Ints = array[int]
else:
    _Floats = _Ints = array  # it takes no parameters before Python 3.12


class TimeArray(_Floats):
    """Seconds since the epoch, eight bytes each."""

    __slots__ = ()

    def __new__(cls, values: Iterable[float] = ()) -> Self:
        """An array of these times."""
        return super().__new__(cls, "d", values)  # type: ignore[return-value]  # typeshed has no subclasses


class PositionArray(_Ints):
    """Positions from 0 to 2**64 - 1, eight bytes each."""

    __slots__ = ()

    def __new__(cls, values: Iterable[int] = ()) -> Self:
        """An array of these positions."""
        return super().__new__(cls, "Q", values)  # type: ignore[return-value]


_NO_TIMES, _NO_POSITIONS = TimeArray(), PositionArray()
"""Of all clocks without points: a standby's has none."""


class PositionClock(Struct, omit_defaults=True, gc=False):
    """Pairs of (time in seconds, position), both rising; ``times[i]`` is the *last* time at ``positions[i]``."""

    times: TimeArray = _NO_TIMES
    positions: PositionArray = _NO_POSITIONS

    def add(self, time: float, position: int) -> None:
        """Note that ``position`` was reached at ``time``. Older times are ignored; a lower position starts again."""
        times, positions = self.times, self.positions
        if not times:
            self.times, self.positions = TimeArray([time]), PositionArray([position])
            return
        if time < times[-1]:
            return
        last = positions[-1]
        if position > last:
            times.append(time)
            positions.append(position)
            if len(times) > _MAX_POINTS:
                self._thin()
        elif position == last:
            times[-1] = time
        else:
            # Promotion to a shorter history: nothing measured before holds for it.
            self.times, self.positions = TimeArray([time]), PositionArray([position])

    def follow(self, time: float, position: int) -> bool:
        """``add``, unless the position is lower than the newest one: then nothing is noted, and it is False."""
        positions = self.positions
        if positions and position < positions[-1]:
            return False
        self.add(time, position)
        return True

    @property
    def end(self) -> int | None:
        """Newest known position."""
        return self.positions[-1] if self.positions else None

    def lag(self, position: int) -> float | None:
        """Seconds between the position and the newest point: 0 when caught up, None when nothing is known.

        A position older than memory gives the age of the oldest point: at least that much.
        """
        positions = self.positions
        if not positions:
            return None
        if position >= positions[-1]:
            return 0.0
        times = self.times
        after = bisect_right(positions, position)
        if after == 0:
            return times[-1] - times[0]
        low, high = positions[after - 1], positions[after]
        start, stop = times[after - 1], times[after]
        return times[-1] - (start + (stop - start) * (position - low) / (high - low))

    def rate(self, span_s: float, before_s: float = 0.0) -> float | None:
        """Units a second written over about ``span_s`` seconds up to ``before_s`` ago; None without two points."""
        times = self.times
        last = bisect_right(times, times[-1] - before_s) - 1 if times else 0
        if last < 1:
            return None
        first = max(0, bisect_right(times, times[last] - span_s) - 1)
        if first == last:
            return 0.0
        return (self.positions[last] - self.positions[first]) / max(times[last] - times[first], 1e-3)

    def written_within(self, span_s: float) -> int:
        """Units written over the last ``span_s`` seconds that were observed."""
        positions = self.positions
        if len(positions) < 2:
            return 0
        return positions[-1] - positions[max(0, bisect_right(self.times, self.times[-1] - span_s) - 1)]

    def has_written(self, units: int, span_s: float) -> bool:
        """Whether at least so many units were written over the last ``span_s`` seconds that were observed."""
        positions = self.positions
        if len(positions) > 1 and units <= positions[-1] - positions[-2]:
            return True
        return units <= self.written_within(span_s)

    def moved_within(self, span_s: float) -> bool:
        """Whether the position moved during the last ``span_s`` seconds that were observed."""
        times = self.times
        return len(times) > 1 and times[-2] > times[-1] - span_s

    def _thin(self) -> None:
        now = self.times[-1]
        times, positions = TimeArray([now]), PositionArray([self.positions[-1]])
        # Newest to oldest; the newest 60 seconds stay whole because 5 % of their age is below any sample interval.
        for time, position in zip(reversed(self.times[:-1]), reversed(self.positions[:-1]), strict=True):
            age = now - time
            if age > _REACH_S:
                break
            if times[-1] - time >= _SPACING * age:
                times.append(time)
                positions.append(position)
        first = bisect_left(self.times, now - _REACH_S)
        if self.times[first] < times[-1]:
            # The beginning stays: a lag that was exact does not become a bound.
            times.append(self.times[first])
            positions.append(self.positions[first])
        self.times, self.positions = TimeArray(reversed(times)), PositionArray(reversed(positions))

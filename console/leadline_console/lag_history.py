"""The lags of one link in the last hour and day, from roll-ups, in about 8 kB. Pure."""

from array import array
from bisect import bisect_left
from typing import Final, Literal, NamedTuple

from leadline.model.lag import LagRollup

Span = Literal["hour", "day"]
SPANS_S: Final[dict[Span, int]] = {"hour": 3600, "day": 86400}
STEP_S: Final[dict[Span, int]] = {"hour": 10, "day": 300}
"""The distance of two points of a plot. The hour has windows of 10 s; the day has the largest lag of 5 windows of
60 s."""
MOST_ROLLUPS: Final = 400_000
"""Roll-ups of the fleet that a console reads when it starts: a day of 40 links. A plot says where it lacks some."""
_MOST: Final = {"hour": 360, "day": 288}
_MOST_S: Final = 1e9
"""A longer lag is shown as so long."""
_LAST: Final = 2**32 - 1
_SLACK: Final = 64
"""Points beyond the most are removed when there are so many of them."""


class Point(NamedTuple):
    """The largest lag of a link in one window."""

    at: int
    """Its end, in seconds since 1970."""
    lag_s: float
    """NaN where no lag was known in it."""


class LagHistory:
    """Points by span, oldest first."""

    __slots__ = ("_at", "_lag")

    def __init__(self) -> None:
        self._at: dict[Span, array[int]] = {"hour": array("I"), "day": array("I")}
        self._lag: dict[Span, array[float]] = {"hour": array("f"), "day": array("f")}

    def take(self, value: LagRollup) -> None:
        """Add a window of 10 s to the hour, one of 60 s to the day; others, those that are late, and those
        that are not of the years 1970 to 2105, are ignored.
        """
        span: Span = "hour" if value.window_s < 60 else "day"
        if span == "day" and value.window_s != 60:
            return
        end = int(value.end.timestamp())
        slot = -(-end // STEP_S[span]) * STEP_S[span]
        if not 0 <= slot <= _LAST:
            return
        lag = float("nan") if value.lag_max_s is None else min(value.lag_max_s, _MOST_S)
        at, lags = self._at[span], self._lag[span]
        if at and slot < at[-1]:
            return
        if at and slot == at[-1]:
            known = lags[-1]
            lags[-1] = lag if known != known else known if lag != lag else max(known, lag)
            return
        at.append(slot)
        lags.append(lag)
        if len(at) > _MOST[span] + _SLACK:
            del at[:_SLACK], lags[:_SLACK]

    def points(self, span: Span, now: float) -> list[Point]:
        """The points of the span before ``now``, oldest first."""
        at = self._at[span]
        first = bisect_left(at, max(0, int(now) - SPANS_S[span]))
        return [Point(*each) for each in zip(at[first:], self._lag[span][first:], strict=True)]

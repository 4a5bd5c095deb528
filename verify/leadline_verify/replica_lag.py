"""Holds a run back while its downstream is too far behind, by positions of the upstream and by no server's clock.

``now() - pg_last_xact_replay_timestamp()`` grows on a quiet primary, and needs two clocks that agree. Here the position
of the upstream is read now and then: the lag is the age of the oldest of these that the downstream has not reached.
"""

from collections import deque
from typing import Final

from leadline.clock import Clock
from leadline_verify.barrier import Barrier

LOOK_S: Final = 1.0
"""Both sides are asked at most as often."""
MOST_MARKS: Final = 3600
"""PositionFiles that are kept; while there are as many, no more are read."""


class ReplicaLag:
    """The lag of one downstream while a run goes on."""

    def __init__(self, barrier: Barrier, downstream: str, pause_lag_s: float | None, clock: Clock) -> None:
        """``pause_lag_s``: the lag in seconds above which ``reason`` gives one; None for never."""
        self._barrier, self._name, self._limit_s, self._clock = barrier, downstream, pause_lag_s, clock
        self._marks: deque[tuple[float, str]] = deque()
        self._looked_at: float | None = None
        self._known = False
        """Whether the downstream has reached a position of this run: before that its lag is not known."""
        self._reason = ""

    async def reason(self) -> str:
        """The reason to wait; empty for none. Raises psycopg.Error."""
        if self._limit_s is None:
            return ""
        now = self._clock.monotonic()
        if self._looked_at is None or now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._reason = await self._look(now, self._limit_s)
        return self._reason

    async def _look(self, now: float, limit_s: float) -> str:
        position = await self._barrier.position()
        if len(self._marks) < MOST_MARKS and (not self._marks or self._marks[-1][1] != position):
            self._marks.append((now, position))
        while self._marks and await self._barrier.has(self._marks[0][1]):
            self._marks.popleft()
            self._known = True
        lag_s = now - self._marks[0][0] if self._marks else 0.0
        if lag_s > limit_s:
            return f"{self._name} is {lag_s:.0f} s behind, and the limit is {limit_s:g} s"
        if not self._known:
            return f"{self._name} has not reached the position at which the run began"
        return ""

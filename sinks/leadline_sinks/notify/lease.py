"""A lease of a target's incidents: whether this process may still notify people of them.

A process that was frozen, or a machine that was suspended, goes on where it was, after another process has taken over.
So Kafka is asked directly before each request, unless it has answered a moment ago. What passes between the answer and
the arrival of the request cannot be known: it is one request at most.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from math import inf
from typing import Final

from leadline.clock import Clock

LEASE_S: Final = 4.0
"""An answer holds for this long: less than a session in the group, 10 s, which Kafka counts anew from each answer."""


class NotOwner(Exception):  # a fact, not a fault
    """The incidents are, or may be, another process's."""


class Lease:
    """The lease of one target's incidents."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ask: Callable[[], Awaitable[bool]] | None = None
        self._at: tuple[float, datetime] = (-inf, clock.now())
        self.number = 0
        """Increases whenever Kafka assigns partitions."""

    def begin(self, ask: Callable[[], Awaitable[bool]]) -> None:
        """Take note that partitions were assigned; ``ask`` asks Kafka whether they still are."""
        self._ask, self._at = ask, (-inf, self._clock.now())
        self.number += 1

    async def hold(self, *, anew: bool = False) -> None:
        """Return if the incidents are this process's. Raises NotOwner."""
        now = self._clock.monotonic(), self._clock.now()
        if not anew and self._age_s(*now) < LEASE_S:
            return
        if self._ask is None or not await self._ask():
            raise NotOwner("Kafka has given the incidents to another process, or is about to")
        self._at = now

    def _age_s(self, monotonic: float, wall: datetime) -> float:
        """Of the last answer. While a machine is suspended, only its wall clock goes on."""
        return max(monotonic - self._at[0], (wall - self._at[1]).total_seconds())

"""A lease of a target's incidents: whether this process may still notify people of them.

A process that was frozen, or a machine that was suspended, goes on where it was, after another process has taken over.
So Kafka is asked directly before each request, unless it has answered a moment ago. What passes between the answer and
the arrival of the request cannot be known: it is one request at most. While Kafka does not answer, the lease lasts for
a session: after that another process, which is not cut off from Kafka, may have the incidents.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from math import inf
from typing import Final

from leadline.clock import Clock

LEASE_S: Final = 4.0
"""An answer holds for this long: less than a session in the group, which Kafka counts anew from each answer."""
SESSION_S: Final = 10.0
"""For this long after its last answer, Kafka gives the incidents to nobody else."""


class NotOwner(Exception):  # a fact, not a fault
    """The incidents are, or may be, another process's."""


class NotAnswered(NotOwner):
    """Kafka does not say whose the incidents are."""


class Lease:
    """The lease of one target's incidents."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ask: Callable[[], Awaitable[bool | None]] | None = None
        self._at: tuple[float, datetime] = (-inf, clock.now())
        self.number = 0
        """Increases whenever Kafka assigns partitions."""

    def begin(self, ask: Callable[[], Awaitable[bool | None]]) -> None:
        """Take note that partitions were assigned; ``ask`` asks Kafka whether they still are, None for no answer."""
        self._ask, self._at = ask, (-inf, self._clock.now())
        self.number += 1

    async def hold(self, *, anew: bool = False) -> None:
        """Return if the incidents are this process's. Raises NotOwner; NotAnswered a session after the last answer."""
        if not anew and self._age_s() < LEASE_S:
            return
        asked = self._clock.monotonic(), self._clock.now()
        owned = await self._ask() if self._ask is not None else False
        if owned is False:
            raise NotOwner("Kafka has given the incidents to another process, or is about to")
        if owned:
            self._at = asked  # Kafka may have answered long ago, if this process was frozen meanwhile
        if self._age_s() >= SESSION_S:
            raise NotAnswered("Kafka does not say that the incidents are still this process's")

    def _age_s(self) -> float:
        """Of the last answer. While a machine is suspended, only its wall clock goes on."""
        monotonic, wall = self._at
        return max(self._clock.monotonic() - monotonic, (self._clock.now() - wall).total_seconds())

"""Faust's recovery of the states, begun once this worker owns its partitions.

An earlier owner that was frozen, or has records on their way, can write a state until its successor owns the partition.
Were the end of the topic looked up before, such a state would be left unread and be followed by older ones.
"""

from collections import Counter
from typing import Any, cast

from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from mode.services import WaitArgT


class OwnersRecovery(Recovery):
    """Recovery that claims the partitions first. Its application has a ``worker``."""

    async def _wait(self, coro: WaitArgT, timeout: Any = None) -> None:  # noqa: ASYNC109  # Faust's name
        """Wait for as long as it takes: Faust recovers nothing any more after a timeout. The worker has its own."""
        await super()._wait(coro)

    async def _build_highwaters(self, consumer: Any, tps: set[TP], destination: Counter[TP], title: str) -> None:
        """Look up where recovery ends."""
        if title == "active" and await cast(Any, self.app).worker.claim():
            for tp in tps:
                cast(dict[TP, int | None], self.active_offsets)[tp] = None
        await super()._build_highwaters(consumer, tps, destination, title)


class OwnersTables(TableManager):
    """Tables with that recovery."""

    @property
    def recovery(self) -> Recovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = OwnersRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

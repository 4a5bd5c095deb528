"""The interface of Kafka that a worker needs. ``app`` implements it with Faust, tests in memory."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from leadline.wire import Outgoing
from leadline_streams.runtime.transport import Opening


@dataclass(frozen=True, slots=True)
class Extent:
    """Offsets of a partition of the samples topic, each of the next record."""

    earliest: int
    end: int
    committed: int | None


class Log(Protocol):
    """Kafka, as far as a worker needs it."""

    too_large: tuple[type[Exception], ...]
    """Errors that ``send`` and its awaitable raise for a record that is larger than Kafka takes."""

    fenced: tuple[type[Exception], ...]
    """Errors of what is written for a partition that another worker owns."""

    async def claim(self) -> frozenset[int]:
        """Own the assigned partitions of the samples, and no others; returns them.

        From then on no state of an earlier owner is written. What it writes into a partition of another topic is
        refused from this owner's first record in it on.
        """
        ...

    async def let_go(self) -> None:
        """Own nothing, once what waits to be written is."""
        ...

    async def renew(self) -> None:
        """Claim the same partitions again, before Kafka forgets the claim."""
        ...

    async def send(self, record: Outgoing, home: int) -> Awaitable[object]:
        """Send a record for the partition ``home`` of the samples; the awaitable is done, or raises, when it is
        acknowledged.
        """
        ...

    async def send_together(self, records: Sequence[Outgoing], home: int) -> Awaitable[object]:
        """Send records of one topic and partition; the awaitable is done when all are acknowledged."""
        ...

    async def extents(self) -> Mapping[int, Extent]:
        """The partitions of the samples topic assigned to this worker."""
        ...

    def unusable_states(self, partition: int) -> Sequence[Any]:
        """Records of the partition's states that cannot be read, or have no key."""
        ...

    def partition_of(self, key: bytes) -> int:
        """The partition of the samples topic that the records of a key are in."""
        ...

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Read these partitions from these offsets on."""
        ...

    async def flush(self) -> None:
        """Commit ``Worker.committable`` now, not at the next interval."""
        ...

"""What a worker needs of Kafka: ``app`` has the real one, tests have one in memory."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from leadline.wire import Outgoing
from leadline_streams.runtime.transport import Opening


@dataclass(frozen=True, slots=True)
class Extent:
    """What Kafka knows of a partition of the samples: offsets of the next record in each case."""

    earliest: int
    end: int
    committed: int | None


class Log(Protocol):
    """Kafka, as far as a worker needs it."""

    async def send(self, record: Outgoing) -> Awaitable[object]:
        """Hand over a record; what is returned is done, or raises, when it is acknowledged."""
        ...

    async def send_together(self, records: Sequence[Outgoing]) -> Awaitable[object]:
        """Hand over records of one topic and partition; what is returned is done when all are acknowledged."""
        ...

    async def extents(self) -> Mapping[int, Extent]:
        """The partitions of the samples topic assigned to this worker."""
        ...

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Read these partitions from these offsets on."""
        ...

    async def flush(self) -> None:
        """Commit what is ``Worker.committable`` now, not at the next interval."""
        ...

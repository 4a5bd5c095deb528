"""A cluster's state as it is saved in Kafka, and the offset to read on from."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct
from typing import Self

_HEAD = Struct(">BIQ")
_PLAIN, _COMPRESSED = 3, 4
"""The two formats."""
COMPRESSED_FROM_BYTES = 256 * 1024
"""Larger states, of clusters of about 60 nodes and more, are compressed, to about a third; it takes 10 ms per MB."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The state of one cluster after all records of its partition below ``applied``."""

    partition: int
    applied: int
    state: bytes

    def pack(self) -> bytes:
        """As bytes: format, partition, offset, then the state."""
        if len(self.state) < COMPRESSED_FROM_BYTES:
            return _HEAD.pack(_PLAIN, self.partition, self.applied) + self.state
        return _HEAD.pack(_COMPRESSED, self.partition, self.applied) + zlib.compress(self.state, 1)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """From bytes. Raises ValueError when they are not such a state."""
        if len(data) < _HEAD.size or data[0] not in (_PLAIN, _COMPRESSED):
            raise ValueError(f"it begins with {data[:1]!r}, not with format {_PLAIN} or {_COMPRESSED}")
        form, partition, applied = _HEAD.unpack_from(data)
        state = data[_HEAD.size :]
        try:
            return cls(partition, applied, zlib.decompress(state) if form == _COMPRESSED else state)
        except zlib.error as error:
            raise ValueError(f"it cannot be decompressed: {error}") from None

    def within(self, end: int) -> Self:
        """This state, for a topic that ends at ``end``. A shorter topic was created again, and all of it is new."""
        return self if self.applied <= end else replace(self, applied=0)


def start(committed: int | None, applied: Iterable[int], earliest: int) -> int:
    """The offset to read a partition from.

    The committed offset, or less when a saved state is older: a worker that was frozen until its partitions were
    reassigned may have saved it after the new owner's.
    """
    return max(earliest, min([earliest if committed is None else committed, *applied]))

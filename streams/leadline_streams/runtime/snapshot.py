"""A cluster's state as it is saved in Kafka, and the offset to read on from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import Struct
from typing import Self

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

_HEAD = Struct(">BIQ")
_FORMAT = 5
_compressor = ZstdCompressor(level=1)  # to a fifth, in 2 ms per MB
_decompressor = ZstdDecompressor()


@dataclass(frozen=True, slots=True)
class Saved:
    """The state of one cluster after all records of its partition below ``applied``."""

    partition: int
    applied: int
    state: bytes

    def pack(self) -> bytes:
        """As bytes: format, partition, offset, then the compressed state."""
        return _HEAD.pack(_FORMAT, self.partition, self.applied) + _compressor.compress(self.state)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """From bytes. Raises ValueError when they are not such a state."""
        if len(data) < _HEAD.size or data[0] != _FORMAT:
            raise ValueError(f"it begins with {data[:1]!r}, not with format {_FORMAT}")
        _, partition, applied = _HEAD.unpack_from(data)
        try:
            return cls(partition, applied, _decompressor.decompress(data[_HEAD.size :]))
        except ZstdError as error:
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

"""A cluster's state as it is saved in Kafka, and the offset to read on from."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict, ZstdCompressor, ZstdDecompressor, ZstdError

_HEAD = struct.Struct(">BIQ")
_SIZE = struct.Struct(">I")
_FORMAT = 7
_WITH_FAILURE = 8
"""The format of a state that has failures with it, after the offset."""
_WITHOUT_DICTIONARY = {5: False, 6: True}
"""Formats that are still read, and whether they have failures with them."""
DICTIONARY = Path(__file__).with_name("state.dictionary")
"""Parts of states of real servers: names of fields, of settings and their values. Without it what is compressed with it
cannot be read, so that another one needs other formats."""
_dictionary = ZstdCompressionDict(DICTIONARY.read_bytes(), dict_type=DICT_TYPE_RAWCONTENT)
_compressor = ZstdCompressor(level=1, dict_data=_dictionary)  # to a tenth, in less time than without
_decompressor = ZstdDecompressor(dict_data=_dictionary)
_plain_decompressor = ZstdDecompressor()


@dataclass(frozen=True, slots=True)
class Saved:
    """The state of one cluster after all records of its partition below ``applied``."""

    partition: int
    applied: int
    state: bytes
    """Empty where there is none that can be kept: the cluster is to be judged anew."""
    failure: bytes = b""
    """Failures of the cluster, as ``cluster_failure.pack`` gives them."""

    def pack(self) -> bytes:
        """As bytes: format, partition, offset, failures with their size if there are any, then the compressed state."""
        head = _HEAD.pack(_WITH_FAILURE if self.failure else _FORMAT, self.partition, self.applied)
        failure = _SIZE.pack(len(self.failure)) + self.failure if self.failure else b""
        return head + failure + _compressor.compress(self.state)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """From bytes. Raises ValueError when they are not such a state."""
        if Saved.partition_in(data) is None:
            raise ValueError(f"it begins with {data[:1]!r}, not with format {_FORMAT} or {_WITH_FAILURE}")
        kind, partition, applied = _HEAD.unpack_from(data)
        begin, end = _HEAD.size, _HEAD.size
        try:
            if _WITHOUT_DICTIONARY.get(kind, kind == _WITH_FAILURE):
                begin += _SIZE.size
                end = begin + _SIZE.unpack_from(data, _HEAD.size)[0]
            decompressor = _plain_decompressor if kind in _WITHOUT_DICTIONARY else _decompressor
            state = decompressor.decompress(data[end:])
        except (ZstdError, struct.error) as error:
            raise ValueError(f"it cannot be decompressed: {error}") from None
        return cls(partition, applied, state, data[begin:end])

    @staticmethod
    def partition_in(data: bytes) -> int | None:
        """The partition of the state that these bytes hold, without reading it; None when they are no such state."""
        if len(data) < _HEAD.size or data[0] not in (_FORMAT, _WITH_FAILURE, *_WITHOUT_DICTIONARY):
            return None
        return int(_HEAD.unpack_from(data)[1])

    def within(self, end: int) -> Self:
        """This state, for a topic that ends at ``end``. A shorter topic was created again, and all of it is new."""
        return self if self.applied <= end else replace(self, applied=0)


def start(committed: int | None, applied: Iterable[int], earliest: int) -> int:
    """The offset to read a partition from.

    The committed offset, or less when a saved state is older: a worker that was frozen until its partitions were
    reassigned may have saved it after the new owner's.
    """
    return max(earliest, min([earliest if committed is None else committed, *applied]))

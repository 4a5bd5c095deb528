"""Observations that are in memory, written ahead: what kill -9 must not take before it is in the spool.

One file that is only appended to, and emptied when nothing in it is needed any more, which is usually a moment later:
while Kafka answers it holds the one record that is on its way. Nothing waits for the disk, so a power cut may take
what is in it.
"""

import contextlib
import os
from pathlib import Path
from struct import Struct
from zlib import crc32

import msgspec

MAX_BYTES = 128 * 1024
_HEAD = Struct(">II")
"""Length and checksum of what follows: the end of the file may be a part of a record, or after a power cut anything."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation as it will be sent."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    made_at: float
    """Seconds since 1970, the agent's clock."""


class Journal:
    """The file. It never outgrows ``MAX_BYTES``."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; one that cannot be opened takes nothing."""
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._bytes = os.fstat(self._file).st_size if self._file is not None else 0

    def add(self, record: Record) -> bool:
        """Append, so that kill -9 does not take it; False when there is no room or the disk takes no more."""
        body = msgspec.msgpack.encode(record)
        framed = _HEAD.pack(len(body), crc32(body)) + body
        if self._file is None or self._bytes + len(framed) > MAX_BYTES:
            return False
        try:
            if os.write(self._file, framed) < len(framed):
                os.ftruncate(self._file, self._bytes)  # what follows a part of a record could not be read
                return False
        except OSError:
            return False
        self._bytes += len(framed)
        return True

    def read(self) -> list[Record]:
        """What was appended since it was last emptied, in that order; up to the first record that is not whole."""
        content = b"" if self._file is None else os.pread(self._file, MAX_BYTES, 0)
        found, at = [], 0
        while at + _HEAD.size <= len(content):
            size, checksum = _HEAD.unpack_from(content, at)
            body = content[at + _HEAD.size : at + _HEAD.size + size]
            if not size or len(body) < size or crc32(body) != checksum:
                break
            found.append(msgspec.msgpack.decode(body, type=Record))
            at += _HEAD.size + size
        return found

    def clear(self) -> None:
        """Empty it: all that is in it is acknowledged, or in the spool."""
        if self._bytes and self._file is not None:
            with contextlib.suppress(OSError):  # then it is sent twice after a restart
                os.ftruncate(self._file, 0)
                self._bytes = 0

    def close(self) -> None:
        """Close the file; what is in it is there the next time."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

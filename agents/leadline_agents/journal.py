"""A write-ahead journal: the observations that are in memory only, so that kill -9 of the agent does not lose them.

One file that is appended to, and truncated when Kafka or the spool has everything in it. While Kafka answers, it holds
the one record that is being sent. No write waits for the disk, so a power cut may lose its content.
"""

import contextlib
import os
from pathlib import Path
from struct import Struct
from zlib import crc32

import msgspec

MAX_BYTES = 128 * 1024
_HEAD = Struct(">II")
"""Length and checksum of a record: the end of the file may be half a record, or anything after a power cut."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One observation as it is sent."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    made_at: float
    """Seconds since 1970 on the agent's clock."""


class WriteAheadJournal:
    """The file. It is never larger than ``MAX_BYTES``."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. When that fails, ``add`` returns False and ``read`` nothing."""
        self._file: int | None = None
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._bytes = os.fstat(self._file).st_size if self._file is not None else 0

    def add(self, record: Record) -> bool:
        """Append a record. False, and nothing is appended, when there is no room or the disk is full."""
        body = msgspec.msgpack.encode(record)
        framed = _HEAD.pack(len(body), crc32(body)) + body
        if self._file is None or self._bytes + len(framed) > MAX_BYTES:
            return False
        try:
            if os.write(self._file, framed) < len(framed):
                os.ftruncate(self._file, self._bytes)  # a record after half a record could not be read
                return False
        except OSError:
            return False
        self._bytes += len(framed)
        return True

    def read(self) -> list[Record]:
        """The records since the last ``clear``, in the order of ``add``, up to the first one that is incomplete."""
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
        """Truncate the file. To be called when Kafka or the spool has all of its records."""
        if self._bytes and self._file is not None:
            with contextlib.suppress(OSError):  # then its records are sent twice after a restart
                os.ftruncate(self._file, 0)
                self._bytes = 0

    def close(self) -> None:
        """Close the file and keep its content."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

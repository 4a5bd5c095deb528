"""The folder of the files. A file is there whole or not at all, and its name is where it begins.

``lag/day=2026-11-30/lag-3-00000000000000012345.parquet`` has the records of partition 3 of ``leadline.lag`` from offset
12345 on, up to the one that its metadata name: so files and offsets are one thing, and there is no second place that
could disagree. It is written under another name, brought to the disk, and then linked to its own, which fails where
there is one: no file is ever replaced. A process that is killed in between leaves a file of another name, which the
next start removes.
"""

import errno
import fcntl
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from leadline import __version__
from leadline.errors import ProblemFound, UnreachableError, UsageError
from leadline.wire import CODECS
from leadline_sinks.parquet.columns import SCHEMA_VERSION
from leadline_sinks.parquet.pending_file import PendingFile
from leadline_sinks.parquet.table_rows import table_of

UNFINISHED: Final = ".unfinished"
_NO_LINKS: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
NEXT: Final = b"leadline.next_offset"
LAST: Final = b"leadline.last_record"
"""Offset and time of the last record, in milliseconds since 1970: what Kafka has at that offset later is that record,
unless the topic was made anew."""
FILE: Final = re.compile(r"([a-z]+)-(\d+)-(\d{20})\.parquet").fullmatch


class ArchiveFolder:
    """The folder, which one process writes at a time."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError when it cannot be written, ProblemFound when another process writes there."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / ".lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ProblemFound(f"another process writes files in {path}; stop it, or set parquet.directory") from None
        except OSError as error:
            raise UsageError(f"parquet.directory: cannot write in {path}: {error.strerror}") from None
        for left in path.glob(f"*/day=*/*{UNFINISHED}"):
            left.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another process write there."""
        os.close(self._lock)

    def positions(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition that is in a file. Raises ProblemFound."""
        return {partition: _next_offset(path) for partition, (_, path) in self._newest(topic).items()}

    def last_records(self, topic: str) -> dict[int, tuple[int, int]]:
        """Offset and time of the last record of each partition that is in a file, where the file has them."""
        found: dict[int, tuple[int, int]] = {}
        for partition, (_, path) in self._newest(topic).items():
            known = pq.read_schema(path).metadata or {}
            if LAST in known:
                offset, time_ms = known[LAST].split(b" ")
                found[partition] = int(offset), int(time_ms)
        return found

    def write(self, pending: PendingFile) -> Path:
        """Write the records of a partition as a file, durably. Raises UnreachableError, and ProblemFound when there is
        a file of that name."""
        first = pending.records[0]
        day = datetime.fromtimestamp(max(0, first.time_ms) / 1000, UTC).date()
        folder = self.path / pending.topic / f"day={day}"
        name = f"{pending.topic}-{pending.partition}-{pending.position:020}.parquet"
        table = table_of(pending.topic, pending.partition, pending.records)
        unfinished = folder / f"{name}{UNFINISHED}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.replace_schema_metadata(_metadata(pending)), unfinished, compression="zstd")
            _to_disk(unfinished)
            os.link(unfinished, folder / name)
            unfinished.unlink()
            for changed in (folder, folder.parent, self.path):
                _to_disk(changed)
        except FileExistsError:
            raise ProblemFound(f"{folder / name} is there already: another process has written it") from None
        except (OSError, pa.ArrowException) as error:
            why = getattr(error, "strerror", None) or str(error)
            if unfinished.exists() and getattr(error, "errno", None) in _NO_LINKS:
                why += "; perhaps it is a file system without hard links: set parquet.directory to another"
            raise UnreachableError(f"cannot write {folder / name}: {why}") from None
        return folder / name

    def _newest(self, topic: str) -> dict[int, tuple[int, Path]]:
        newest: dict[int, tuple[int, Path]] = {}
        for partition, first, path in self._files(topic):
            if partition not in newest or first > newest[partition][0]:
                newest[partition] = first, path
        return newest

    def _files(self, topic: str) -> Iterator[tuple[int, int, Path]]:
        for path in (self.path / topic).glob("day=*/*.parquet"):
            found = FILE(path.name)
            if found is not None and found[1] == topic:
                yield int(found[2]), int(found[3]), path


def _metadata(pending: PendingFile) -> dict[bytes, bytes]:
    last = {LAST: f"{pending.last[0]} {pending.last[1]}".encode()} if pending.last is not None else {}
    return last | {
        b"leadline.topic": pending.topic.encode(),
        b"leadline.partition": str(pending.partition).encode(),
        b"leadline.first_offset": str(pending.position).encode(),
        NEXT: str(pending.next_offset).encode(),
        b"leadline.schema": CODECS[pending.topic].schema_id.encode(),
        b"leadline.schema_version": str(SCHEMA_VERSION).encode(),
        b"leadline.version": __version__.encode(),
    }


def _next_offset(path: Path) -> int:
    try:
        return int((pq.read_schema(path).metadata or {})[NEXT])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        raise ProblemFound(
            f"{path} is damaged, or was written by another program, so it is not known where to go on; "
            "move it away: its records are written again, as far as Kafka still has them"
        ) from None


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

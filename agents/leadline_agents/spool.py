"""Observations that wait on disk, in the order they were made: a bounded queue per cluster, in one SQLite file.

Beside it is the write-ahead journal of the observations that are not in it yet.

A record survives kill -9 of the agent as soon as ``add`` has returned. A power cut may lose the newest records
(``synchronous = NORMAL`` does not wait for the disk at each commit) but does not damage the file. A call blocks for a
fraction of a millisecond, sometimes for an fsync.
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from leadline.errors import UsageError
from leadline_agents import journal
from leadline_agents.journal import Record, WriteAheadJournal

PAGE = 4096
WAL_PAGES = 32
"""Size at which SQLite checkpoints its WAL file, which counts against the bound."""
WAL_ROOM = 128
"""Pages reserved for that file: its size, and the largest transaction."""
DROP = 16
"""Records dropped at a time."""
IN_MEMORY_BYTES = 4 * 1024 * 1024

_SETUP = f"""
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = 64;
    PRAGMA wal_autocheckpoint = {WAL_PAGES};
    PRAGMA journal_size_limit = {WAL_PAGES * PAGE};
    CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL, record BLOB NOT NULL);
    CREATE INDEX IF NOT EXISTS waiting_by_key ON waiting (key, id);
    PRAGMA user_version = 1;
"""

log = logging.getLogger(__name__)


class Stored(NamedTuple):
    """A record on disk. ``id`` grows in the order of ``add`` and is never reused."""

    id: int
    record: Record


class SpoolFailed(Exception):
    """The disk is full or fails, and dropping the oldest records does not help."""


class Spool:
    """The file. With SQLite's WAL and the journal it stays within ``max_bytes``: the oldest records are dropped.

    A ``max_bytes`` that was reduced is kept from the first time that the spool is empty.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Open or create the file. Raises UsageError when it cannot be written or another agent uses it.

        The agent must go on, so a damaged file is renamed, and on a full disk a small spool is kept in memory.
        """
        self.path = path
        self._pages = (max_bytes - journal.MAX_BYTES) // PAGE - WAL_ROOM
        self._db = self._open()
        self.journal = WriteAheadJournal(path.with_name(path.name + ".ahead"))
        self._db.execute(f"PRAGMA max_page_count = {self._pages}")
        self._decoder = msgspec.msgpack.Decoder(Record)
        self.count: int = self._one("SELECT count(*) FROM waiting")
        self.bytes: int = self._one("SELECT coalesce(sum(length(record)), 0) FROM waiting")

    def clusters(self) -> list[bytes]:
        """The keys that have records."""
        return [key for (key,) in self._db.execute("SELECT DISTINCT key FROM waiting")]

    def add(self, record: Record, dropped: Callable[[int, bytes], None]) -> int:
        """Append, and return the record's id. Raises SpoolFailed when the record was not appended.

        ``dropped`` is called with id and key of each record that was dropped to make room.
        """
        row = (record.key, msgspec.msgpack.encode(record))
        while True:
            try:
                with self._db:
                    cursor = self._db.execute("INSERT INTO waiting (key, record) VALUES (?, ?)", row)
            except sqlite3.OperationalError as error:
                if not self.count or not self._is_bound(error, len(row[1])):
                    raise SpoolFailed(str(error)) from None
                self._drop_oldest(dropped)
            else:
                self.count += 1
                self.bytes += len(row[1])
                assert cursor.lastrowid is not None
                return cursor.lastrowid

    def read(self, key: bytes, after: int, limit: int, max_bytes: int) -> list[Stored]:
        """The oldest records of a cluster with an id above ``after``, within both limits but at least one."""
        found: list[Stored] = []
        size = 0
        rows = self._db.execute(
            "SELECT id, record FROM waiting WHERE key = ? AND id > ? ORDER BY id LIMIT ?", (key, after, limit)
        )
        for number, record in rows:
            size += len(record)
            if found and size > max_bytes:
                break
            found.append(Stored(number, self._decoder.decode(record)))
        rows.close()
        return found

    def ahead(self) -> list[Record]:
        """Records of the journal that are not on disk: of each cluster, those after the newest one that is on disk."""
        newest: dict[bytes, Record | None] = {}
        found: dict[bytes, list[Record]] = {}
        for record in self.journal.read():
            key = record.key
            if key not in newest:
                newest[key] = self._newest(key)
            if record == newest[key]:
                found[key] = []  # earlier records were moved to the disk before it
            else:
                found.setdefault(key, []).append(record)
        return [record for records in found.values() for record in records]

    def remove(self, key: bytes, upto: int) -> None:
        """Delete a cluster's records up to and including this id. Raises SpoolFailed when none was deleted."""
        where, values = "WHERE key = ? AND id <= ?", (key, upto)
        sums = f"SELECT count(*), coalesce(sum(length(record)), 0) FROM waiting {where}"
        count, size = self._db.execute(sums, values).fetchone()
        try:
            with self._db:
                self._db.execute(f"DELETE FROM waiting {where}", values)
        except sqlite3.OperationalError as error:
            raise SpoolFailed(str(error)) from None
        self.count -= count
        self.bytes -= size
        if not self.count:
            self._shrink()

    def close(self) -> None:
        """Close the files and keep their content."""
        self._db.close()
        self.journal.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return _connect(self.path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise UsageError(_refusal(self.path, error)) from None
            log.error(
                "the disk of spool %s is full: observations are kept in memory; free space, then restart the agent",
                self.path,
            )
            self._pages = IN_MEMORY_BYTES // PAGE
            return _connect(Path(":memory:"))
        except sqlite3.DatabaseError as error:
            aside = self.path.with_name(self.path.name + ".damaged")
            log.error("spool %s is damaged (%s): renamed to %s and not sent; a new one begins", self.path, error, aside)
            self.path.rename(aside)
            self.path.with_name(self.path.name + "-wal").unlink(missing_ok=True)
            return _connect(self.path)

    def _newest(self, key: bytes) -> Record | None:
        found = self._db.execute("SELECT record FROM waiting WHERE key = ? ORDER BY id DESC LIMIT 1", (key,)).fetchone()
        return self._decoder.decode(found[0]) if found else None

    def _is_bound(self, error: sqlite3.OperationalError, size: int) -> bool:
        """Whether the spool's own bound was reached, and not the end of the disk."""
        if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
            return False
        limit, used, free = (self._one(f"PRAGMA {name}") for name in ("max_page_count", "page_count", "freelist_count"))
        return limit - used + free <= size // PAGE + 8

    def _drop_oldest(self, dropped: Callable[[int, bytes], None]) -> None:
        oldest = self._db.execute("SELECT id, key, length(record) FROM waiting ORDER BY id LIMIT ?", (DROP,)).fetchall()
        try:
            with self._db:
                self._db.execute("DELETE FROM waiting WHERE id <= ?", (oldest[-1][0],))
        except sqlite3.OperationalError as error:
            raise SpoolFailed(str(error)) from None
        self.count -= len(oldest)
        self.bytes -= sum(size for _, _, size in oldest)
        for number, key, _ in oldest:
            dropped(number, key)

    def _shrink(self) -> None:
        """Return the space of an empty spool to the file system."""
        try:
            # As a script: execute() takes one step only, which frees one page.
            self._db.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            log.warning("the spool %s cannot shrink: %s", self.path, error)
        self._db.execute(f"PRAGMA max_page_count = {self._pages}")

    def _one(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])


def _connect(path: Path) -> sqlite3.Connection:
    if path != Path(":memory:"):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # queries are private
        except OSError as error:
            raise UsageError(_refusal(path, error.strerror)) from None
    db = sqlite3.connect(path, timeout=0)
    try:
        db.executescript(_SETUP)
        found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except BaseException:
        db.close()
        raise
    return db


def _refusal(path: Path, why: object) -> str:
    if "locked" in str(why):
        return f"another agent uses the spool {path}: stop it, or set spool.path to another file"
    return f"cannot write the spool {path}: {why}; set spool.path to a file in a directory the agent may write to"

"""The write-ahead journal: complete records, in order, within its bound."""

import errno
import os
from pathlib import Path

import pytest

from leadline_agents import journal
from leadline_agents.journal import Record, WriteAheadJournal


def record(number: int, size: int = 100) -> Record:
    return Record(key=b"orders", value=b"%d" % number + b"." * size, headers=[("n", b"1")], made_at=1.5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.ahead"


def test_appended_records_survive(path: Path) -> None:
    """In order, until the file is cleared; only its owner may read it."""
    first = WriteAheadJournal(path)
    assert all(first.add(record(n)) for n in range(3))
    second = WriteAheadJournal(path)
    assert second.read() == [record(n) for n in range(3)]
    assert path.stat().st_mode & 0o777 == 0o600
    second.clear()
    assert second.add(record(9))
    assert WriteAheadJournal(path).read() == [record(9)]


def test_the_file_stays_within_its_bound(path: Path) -> None:
    """A record that does not fit is refused; a cleared file has room again."""
    book = WriteAheadJournal(path)
    while book.add(record(1, size=1000)):
        assert path.stat().st_size <= journal.MAX_BYTES
    assert not WriteAheadJournal(path).add(record(2, size=1000))
    book.clear()
    assert path.stat().st_size == 0
    assert book.add(record(3, size=1000))
    assert not book.add(record(4, size=journal.MAX_BYTES))


@pytest.mark.parametrize("cut", [1, 60, 115, 140])
def test_reading_ends_at_an_incomplete_record(path: Path, cut: int) -> None:
    """After a kill in the middle of a write the records before it are read."""
    book = WriteAheadJournal(path)
    book.add(record(1))
    whole = path.stat().st_size
    book.add(record(2))
    os.truncate(path, path.stat().st_size - cut)
    assert WriteAheadJournal(path).read() == ([record(1)] if path.stat().st_size >= whole else [])


def test_rubbish_after_a_power_cut_is_not_a_record(path: Path) -> None:
    """Zeros or other bytes in the place of a record end the reading."""
    book = WriteAheadJournal(path)
    book.add(record(1))
    book.add(record(2))
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(40)
    path.write_bytes(content)
    assert WriteAheadJournal(path).read() == [record(1)]
    path.write_bytes(bytes(5000))
    assert WriteAheadJournal(path).read() == []


def test_a_full_disk_leaves_complete_records(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of which only a part fits is refused and leaves nothing behind."""
    book, write = WriteAheadJournal(path), os.write
    book.add(record(1))
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:50]))
    assert not book.add(record(2))
    monkeypatch.setattr(os, "write", no_space)
    assert not book.add(record(3))
    monkeypatch.undo()
    assert book.add(record(4))
    assert WriteAheadJournal(path).read() == [record(1), record(4)]


def no_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_that_cannot_be_opened_refuses_records(tmp_path: Path) -> None:
    """The spool works without a journal."""
    book = WriteAheadJournal(tmp_path / "no" / "spool.ahead")
    assert not book.add(record(1))
    assert book.read() == []
    book.clear()
    book.close()

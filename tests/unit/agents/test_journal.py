"""The journal: whole records, in order, within its bound, or a plain no."""

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


def test_what_was_appended_is_there_for_the_next(path: Path) -> None:
    """In order, until it is emptied; only its owner may read it."""
    first = WriteAheadJournal(path)
    assert all(first.add(record(n)) for n in range(3))
    second = WriteAheadJournal(path)
    assert second.read() == [record(n) for n in range(3)]
    assert path.stat().st_mode & 0o777 == 0o600
    second.clear()
    assert second.add(record(9))
    assert WriteAheadJournal(path).read() == [record(9)]


def test_it_stays_within_its_bound(path: Path) -> None:
    """What does not fit is refused, whatever came before; when it is emptied there is room again."""
    book = WriteAheadJournal(path)
    while book.add(record(1, size=1000)):
        assert path.stat().st_size <= journal.MAX_BYTES
    assert not WriteAheadJournal(path).add(record(2, size=1000))
    book.clear()
    assert path.stat().st_size == 0
    assert book.add(record(3, size=1000))
    assert not book.add(record(4, size=journal.MAX_BYTES))


@pytest.mark.parametrize("cut", [1, 60, 115, 140])
def test_a_record_that_is_cut_short_ends_it(path: Path, cut: int) -> None:
    """Killed in the middle of writing: what was whole before is read."""
    book = WriteAheadJournal(path)
    book.add(record(1))
    whole = path.stat().st_size
    book.add(record(2))
    os.truncate(path, path.stat().st_size - cut)
    assert WriteAheadJournal(path).read() == ([record(1)] if path.stat().st_size >= whole else [])


def test_what_a_power_cut_left_is_not_taken_for_a_record(path: Path) -> None:
    """Zeros or other bytes where a record should be."""
    book = WriteAheadJournal(path)
    book.add(record(1))
    book.add(record(2))
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(40)
    path.write_bytes(content)
    assert WriteAheadJournal(path).read() == [record(1)]
    path.write_bytes(bytes(5000))
    assert WriteAheadJournal(path).read() == []


def test_a_full_disk_leaves_what_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of which only a part fits is refused and leaves no trace."""
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


def test_one_that_cannot_be_opened_takes_nothing(tmp_path: Path) -> None:
    """The spool must do without."""
    book = WriteAheadJournal(tmp_path / "no" / "spool.ahead")
    assert not book.add(record(1))
    assert book.read() == []
    book.clear()
    book.close()

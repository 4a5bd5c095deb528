"""The files for analytics: every record is one row of one file, whoever is killed, and whatever is in it.

Public reports of files that lost or doubled records: a file of a name was replaced by one with other content
(Zooz/kafka-s3-connector issue 2, apache/seatunnel issue 9133), names that were not the first offset (pinterest/secor
issue 97), a writer that did not find its own files and wrote everything again (confluentinc/kafka-connect-hdfs pull
request 191), two writers (snowflakedb/snowflake-kafka-connector issue 58).
"""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline import wire
from leadline.errors import ProblemFound, UnreachableError, UsageError
from leadline.settings.parquet import BY_DEFAULT, READABLE
from leadline.topic_specs import TOPICS
from leadline_sinks.parquet.archive_folder import ArchiveFolder
from leadline_sinks.parquet.columns import AS_JSON, PLACE, schema_of
from leadline_sinks.parquet.pending_file import LATE_S, PendingFile
from leadline_sinks.parquet.table_rows import RawRecord, table_of
from tests.unit.strategies import values
from tests.unit.test_wire import EXAMPLES

HOUR = 3600.0
AT = datetime(2026, 11, 30, 19, 59, 58, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1000)


def raw(offset: int, value: bytes | None = b"{}", time_ms: int = AT_MS, **more: Any) -> RawRecord:
    return RawRecord(offset, time_ms, b"orders", value, **more)


def pending(*records: RawRecord, topic: str = "lag", partition: int = 3, position: int | None = None) -> PendingFile:
    made = PendingFile(topic, partition, records[0].offset if position is None else position)
    for record in records:
        made.add(record)
    return made


def plain(value: Any) -> Any:
    """A value as JSON has it, but for what is absent."""
    if isinstance(value, datetime):
        return wire.timestamp(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def same(column: Any, given: Any) -> bool:
    """Whether a column has what the JSON of the record has: absent fields are null, maps are lists of pairs."""
    if isinstance(given, dict):
        inside = dict(column) if isinstance(column, list) else column
        if isinstance(inside, str):
            return bool(json.loads(inside) == given)
        return all(same(inside.get(key), given.get(key)) for key in {*inside, *given})
    if isinstance(given, list) and isinstance(column, list):
        return len(column) == len(given) and all(map(same, column, given))
    if isinstance(column, str) and not isinstance(given, str):
        return bool(json.loads(column) == given)
    return bool(column == given)


@pytest.mark.parametrize("name", READABLE)
def test_every_topic_with_public_types_has_columns(name: str) -> None:
    """Its place first; beside that at least one of its own, and none twice."""
    names = schema_of(name).names
    assert names[: len(PLACE)] == [field.name for field in PLACE]
    assert len(names) > len(PLACE)
    assert len(set(names)) == len(names)


def test_the_default_is_every_public_topic_but_the_samples() -> None:
    assert set(BY_DEFAULT) == {name for name, spec in TOPICS.items() if spec.codec is not None} - {"samples"}


@pytest.mark.parametrize("name", [name for name, (codec, _) in EXAMPLES.items() if codec.name in READABLE])
def test_nothing_of_a_value_is_lost(name: str) -> None:
    """Each field of the JSON is in its column, in structures and lists, too."""
    codec, value = EXAMPLES[name]
    data = wire.encode(value)
    (row,) = table_of(codec.name, 3, [raw(7, data)]).to_pylist()
    assert row["unreadable"] is None
    assert (row["kafka_offset"], row["kafka_partition"], row["kafka_key"], row["schema_version"]) == (7, 3, "orders", 1)
    assert row["kafka_time"] == AT
    given = {"value": data.decode()} if codec.name in AS_JSON else json.loads(data)
    for field, content in given.items():
        assert same(plain(row[field]), content), field


@pytest.mark.slow
@pytest.mark.parametrize("name", BY_DEFAULT)
@given(data=st.data())
def test_whatever_is_written_is_a_row(name: str, data: st.DataObject) -> None:
    """Every value that the product can write, at the edges of its types, is read, and is written as a file."""
    codec = wire.CODECS[name]
    value = data.draw(values(codec.decoder.type))
    encoded = wire.encode(value)
    (row,) = table_of(name, 0, [raw(0, encoded)]).to_pylist()
    if row["unreadable"] is None:
        for field, content in json.loads(encoded).items():
            assert row[field] is not None or content is None, field


@pytest.mark.parametrize(
    ("record", "removed", "text"),
    [
        (raw(1, None), True, None),
        (raw(1, b"not JSON \xff"), False, "not JSON \\xff"),
        (raw(1, b'{"cluster": 5}'), False, '{"cluster": 5}'),
        (raw(1, None, unreadable="a wrong checksum", end=9), False, "a wrong checksum"),
    ],
    ids=["tombstone", "bytes", "another type", "unreadable batch"],
)
def test_every_record_is_a_row(record: RawRecord, removed: bool, text: str | None) -> None:
    """A record that removes its key, and one that is no value: its bytes are kept."""
    (row,) = table_of("lag", 0, [record]).to_pylist()
    assert (row["kafka_removed"], row["unreadable"]) == (removed, text)
    assert row["cluster"] is None


def test_a_file_is_due_when_its_span_is_over_or_it_is_full() -> None:
    """By the time of Kafka; a record of the next hour closes the file of this one."""
    some = pending(raw(5))
    end = AT.replace(hour=20, minute=0, second=0).timestamp()
    assert not some.is_due(end + LATE_S - 0.1, HOUR)
    assert some.is_due(end + LATE_S, HOUR)
    assert not some.is_full(raw(6, time_ms=AT_MS + 1999), HOUR, 10)
    assert some.is_full(raw(6, time_ms=AT_MS + 2000), HOUR, 10)
    assert some.is_full(raw(6), HOUR, 1)
    empty = PendingFile("lag", 0, 5)
    assert not empty.is_due(end + 10**6, HOUR)
    assert not empty.is_full(raw(6), HOUR, 0)


def test_the_offset_after_records_that_could_not_be_read() -> None:
    """One row stands for a batch of which nothing could be read."""
    assert pending(raw(5), raw(6, None, unreadable="a wrong checksum", end=20)).next_offset == 20


def test_a_file_says_where_to_go_on(tmp_path: Path) -> None:
    """Its name is where it begins, its metadata where the next one does; a folder for each day of Kafka's time."""
    folder = ArchiveFolder(tmp_path)
    assert folder.positions("lag") == {}
    path = folder.write(pending(raw(5), raw(8)))
    assert path == tmp_path / "lag/day=2026-11-30/lag-3-00000000000000000005.parquet"
    folder.write(pending(raw(0), partition=11))
    folder.write(pending(raw(9), raw(10), position=9))
    assert folder.positions("lag") == {3: 11, 11: 1}
    assert folder.positions("alerts") == {}
    assert pq.read_table(path).column("kafka_offset").to_pylist() == [5, 8]
    folder.close()


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    """Another process has written it: what it has is not known here, so nothing is overwritten or doubled."""
    folder = ArchiveFolder(tmp_path)
    path = folder.write(pending(raw(5), raw(6)))
    before = path.read_bytes()
    with pytest.raises(ProblemFound, match=r"is there already: another process has written it$"):
        folder.write(pending(raw(5)))
    assert path.read_bytes() == before
    folder.close()


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Shares, buckets that are mounted and exFAT have none, and say that it is not permitted, which sounds like a right
    that is missing (untitaker/python-atomicwrites issue 55, GoogleCloudPlatform/gcsfuse issue 178,
    s3fs-fuse/s3fs-fuse pull request 943). Nothing is counted as written."""

    def link(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    folder = ArchiveFolder(tmp_path)
    with pytest.raises(UnreachableError, match=r"without hard links: set parquet\.directory to another$"):
        folder.write(pending(raw(5)))
    assert folder.positions("lag") == {}
    folder.close()


def test_one_process_writes_a_folder(tmp_path: Path) -> None:
    first = ArchiveFolder(tmp_path)
    with pytest.raises(ProblemFound, match=r"another process writes files in .*; stop it, or set parquet.directory$"):
        ArchiveFolder(tmp_path)
    first.close()
    ArchiveFolder(tmp_path).close()


def test_a_file_that_was_not_finished_is_removed_and_not_counted(tmp_path: Path) -> None:
    """Its process was killed; its records come from Kafka again."""
    folder = ArchiveFolder(tmp_path)
    path = folder.write(pending(raw(5)))
    left = path.with_name("lag-3-00000000000000000006.parquet.unfinished")
    left.write_bytes(b"PAR1 half of it")
    folder.close()
    folder = ArchiveFolder(tmp_path)
    assert folder.positions("lag") == {3: 6}
    assert not left.exists()
    folder.close()


def test_the_last_record_is_recognized(tmp_path: Path) -> None:
    """By offset and time, to notice a topic that was made anew; one that could not be read is not compared."""
    folder = ArchiveFolder(tmp_path)
    folder.write(pending(raw(5), raw(9, time_ms=AT_MS + 7)))
    folder.write(pending(raw(2, None, unreadable="no", end=4), partition=4))
    assert folder.last_records("lag") == {3: (9, AT_MS + 7)}
    folder.close()
    waiting = pending(raw(5), raw(9, time_ms=AT_MS + 7))
    assert not waiting.is_another(raw(9, time_ms=AT_MS + 7))
    assert not waiting.is_another(raw(10))
    assert waiting.is_another(raw(9))


def test_a_newest_file_that_is_damaged_is_named(tmp_path: Path) -> None:
    """The offset to go on from is not known, and a guess would double or lose records."""
    folder = ArchiveFolder(tmp_path)
    path = folder.write(pending(raw(5)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ProblemFound, match=r"lag-3-0+5.parquet is damaged, .* move it away: its records are written"):
        folder.positions("lag")
    folder.close()


def test_older_files_may_go(tmp_path: Path) -> None:
    """Files of others, and old ones that were removed, change nothing."""
    folder = ArchiveFolder(tmp_path)
    old = folder.write(pending(raw(5)))
    folder.write(pending(raw(6)))
    old.with_name("notes-of-mine.parquet").write_bytes(b"")
    old.unlink()
    assert folder.positions("lag") == {3: 7}
    folder.close()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"^parquet.directory: cannot write in .*: Not a directory$"):
        ArchiveFolder(tmp_path / "file/inside")
    folder = ArchiveFolder(tmp_path / "here")
    (tmp_path / "here/lag").write_text("")
    with pytest.raises(UnreachableError, match=r"^cannot write .*lag-3-0+5.parquet: "):
        folder.write(pending(raw(5)))
    folder.close()

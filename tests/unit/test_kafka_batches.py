"""Batches that aiokafka cannot read: their place is shown, and what is behind them is read."""

from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from leadline.deadletters import Unreadable
from leadline.kafka_batches import ReadableRecords

AT = TopicPartition("leadline.incidents", 2)


def batch(first: int, end: int, change: Callable[[bytearray], None] = lambda _: None, *, sealed: bool = True) -> bytes:
    made = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for offset in range(end - first):
        made.append(offset, 1000 + offset, b"orders", b"value %d" % (first + offset), [("name", b"x")])
    data = bytearray(first.to_bytes(8, "big") + bytes(made.build())[8:])
    change(data)
    if sealed:
        data[17:21] = calc_crc32c(bytes(data[21:])).to_bytes(4, "big")
    return bytes(data)


def no_text(data: bytearray) -> None:
    place = data.rindex(b"name")
    data[place : place + 4] = b"\xff\xfe\xff\xfe"


def unknown_compression(data: bytearray) -> None:
    data[22] |= 7


def damage(data: bytearray) -> None:
    data[-1] ^= 1


def fetched(buffer: ReadableRecords, data: bytes, start: int) -> PartitionRecords:
    found = PartitionRecords(AT, MemoryRecords(data), [], start, None, None, True, 0)
    buffer[AT] = FetchResult(AT, assignment=None, partition_records=found, backoff=0)
    return found


def read(found: PartitionRecords) -> list[Any]:
    """Values, and in place of what cannot be read the offsets that are left out."""
    return [(r.offset, r.end) if isinstance(r, Unreadable) else r.value.decode() for r in found]


def test_a_fetch_that_can_be_read_is_as_aiokafka_reads_it() -> None:
    """Records before the offset that was asked for are left out; where reading stops it goes on."""
    found = fetched(ReadableRecords(), batch(0, 4) + batch(4, 7), 2)
    assert (next(found).value, found.next_fetch_offset) == (b"value 2", 3)
    assert read(found) == ["value 3", "value 4", "value 5", "value 6"]
    assert found.next_fetch_offset == 7


@pytest.mark.parametrize(("change", "before"), [(no_text, ["value 4", "value 5"]), (unknown_compression, [])])
def test_what_is_behind_an_unreadable_record_is_read(change: Callable[[bytearray], None], before: list[str]) -> None:
    """Of its own batch the records before it."""
    found = fetched(ReadableRecords(), batch(0, 4) + batch(4, 7, change) + batch(7, 9), 3)
    assert read(found) == ["value 3", *before, (4 + len(before), 7), "value 7", "value 8"]
    assert found.next_fetch_offset == 9


def test_a_damaged_batch_is_fetched_twice() -> None:
    """It may have been damaged on its way. If it was, nothing is lost."""
    buffer, whole = ReadableRecords(), batch(0, 4) + batch(4, 7)
    broken = batch(0, 4) + batch(4, 7, damage, sealed=False) + batch(7, 9)
    found = fetched(buffer, broken, 0)
    assert read(found) == [f"value {number}" for number in range(4)]
    assert found.next_fetch_offset == 4
    assert read(fetched(buffer, whole, 4)) == ["value 4", "value 5", "value 6"]
    found = fetched(buffer, broken, 4)
    assert read(found) == [(4, 7), "value 7", "value 8"]
    assert found.next_fetch_offset == 9


def test_the_rest_of_a_fetch_that_is_no_batch_is_passed_over_offset_by_offset() -> None:
    """Neither its length nor its offsets are known."""
    found = fetched(ReadableRecords(), batch(0, 2) + bytes(8) + (3).to_bytes(4, "big") + bytes(3), 0)
    assert read(found) == ["value 0", "value 1", (2, 3)]
    assert found.next_fetch_offset == 3

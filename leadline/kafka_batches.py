"""Reading batches as Kafka has them: what cannot be read is shown as such, and stops nothing else.

aiokafka raises an error for all that it fetched, at every attempt anew, when it cannot read one batch: a checksum is
wrong, a compression is not installed, the name of a header is no text. Nothing behind that batch would ever be read.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.structs import TopicPartition

from leadline.deadletters import Unreadable

Places = set[tuple[str, int, int]]
"""Topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class BrokenBatch:
    """In place of a batch of which nothing can be read."""

    base_offset: int
    next_offset: int
    max_timestamp: int
    timestamp_type: int
    error: Exception

    def __iter__(self) -> Iterator[Any]:
        raise self.error


def batches(found: PartitionRecords, damaged: Places) -> Iterator[Any]:
    """The batches of a fetch, without the marks of transactions.

    One with a wrong checksum may have been damaged on its way: the fetch ends before it, so that it is fetched again.
    If it is among those that were ``damaged`` before, it is broken in Kafka.
    """
    while found._records.has_next():
        start = found.next_fetch_offset
        try:
            batch = found._records.next_batch()
        except Exception as error:  # not even its length or its offsets
            yield BrokenBatch(start, start + 1, 0, 0, error)
            return
        if found._check_crcs and not batch.validate_crc():
            place = (found._tp.topic, found._tp.partition, batch.base_offset)
            if place not in damaged:
                damaged.add(place)
                return
            wrong = CorruptRecordException("a batch with a wrong checksum")
            about = (batch.base_offset, batch.next_offset, batch.max_timestamp, batch.timestamp_type)
            yield BrokenBatch(*about, wrong)
        elif batch.is_control_batch:
            found.next_fetch_offset = batch.next_offset
        else:
            yield batch


def readable(batch: Any, at: TopicPartition = TopicPartition("", -1)) -> Iterator[Any]:  # noqa: B008  # a tuple
    """The records of a batch. In place of one that cannot be read, and of those after it, there is ``Unreadable``."""
    record = None
    try:
        for record in batch:
            yield record
    except Exception as error:
        offset = batch.base_offset if record is None else record.offset + 1
        yield Unreadable(offset, batch.next_offset, batch.max_timestamp, batch.timestamp_type, error, *at)


class ReadableRecords(OrderedDict[TopicPartition, Any]):
    """aiokafka's buffer of fetched records, with ``Unreadable`` in place of those that cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self._damaged: Places = set()

    def __setitem__(self, at: TopicPartition, result: Any) -> None:
        """Keep a result, or an error."""
        if isinstance(result, FetchResult):
            self.prepare(at, result._partition_records)
        super().__setitem__(at, result)

    def prepare(self, at: TopicPartition, found: PartitionRecords) -> None:
        """Replace what aiokafka reads of a partition."""
        found._records_iterator = self._records(at, found)

    def _records(self, at: TopicPartition, found: PartitionRecords) -> Iterator[Any]:
        start = found.next_fetch_offset
        for batch in batches(found, self._damaged):
            for record in readable(batch, at):
                if isinstance(record, Unreadable):
                    found.next_fetch_offset = record.end
                    yield record
                elif record.offset >= start:  # batches come whole
                    found.next_fetch_offset = record.offset + 1
                    yield found._consumer_record(at, record)
            found.next_fetch_offset = batch.next_offset

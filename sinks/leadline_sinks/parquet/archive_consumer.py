"""Reads topics into Parquet files: hourly ones by default, earlier where there is much.

There is no consumer group: where to go on is in the files. Records that were read and are in no file when the process
ends are read again from Kafka. Neither a full disk nor a damaged file stops the other targets of the process: it is
reported, and tried again.
"""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import Unreadable
from leadline.errors import LeadlineError, ProblemFound
from leadline.settings.sink import SinkSettings
from leadline_sinks.notify.kafka_reader import POLL_MS, consume, new_consumer
from leadline_sinks.parquet.archive_folder import ArchiveFolder
from leadline_sinks.parquet.pending_file import PendingFile
from leadline_sinks.parquet.table_rows import RawRecord

TARGET: Final = "parquet"
MOST_ROWS: Final = 200_000
"""Of one file."""
MOST_BYTES: Final = 128 * 1024 * 1024
"""Of all records that wait for their file; beyond that, the largest one is written early."""
AT_ONCE: Final = 5000
RETRY_S: Final = 30.0

log = logging.getLogger(__name__)


class ArchiveConsumer:
    """The writer of the folder of the settings, which no other process writes."""

    def __init__(self, settings: SinkSettings, clock: Clock) -> None:
        """Raises UsageError when the folder cannot be written, ProblemFound when another process writes there."""
        assert settings.parquet.directory is not None
        self._kafka = settings.kafka
        self._topics = settings.parquet.chosen
        self._span_s = settings.parquet.every_s
        self._clock = clock
        self._folder = ArchiveFolder(Path(settings.parquet.directory))
        self._pending: dict[Any, PendingFile] = {}
        """By Kafka's name of the partition."""
        metrics.PARQUET_FAILING.set(0)
        for counter in (metrics.PARQUET_ROWS, metrics.PARQUET_FILES, metrics.PARQUET_MISSED):
            metrics.at_zero(counter, self._topics)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            try:
                await consume(TARGET, lambda: new_consumer(self._kafka), self._follow, self._clock)
            except LeadlineError as error:
                log.error("%s: %s; trying again in %g s", TARGET, error, RETRY_S)
                metrics.PARQUET_FAILING.set(1)
            self._pending = {}  # read again from where the files end
            await self._clock.sleep(RETRY_S)

    async def close(self) -> None:
        """Let another process write the folder."""
        self._folder.close()

    async def _follow(self, consumer: Any) -> None:
        await self._begin(consumer)
        metrics.PARQUET_FAILING.set(0)
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)
            for at, records in fetched.items():
                await self._take(at, self._pending[at], records)
            now = self._clock.now().timestamp()
            for pending in self._pending.values():
                if pending.is_due(now, self._span_s):
                    await self._write(pending)
            while sum(pending.size for pending in self._pending.values()) > MOST_BYTES:
                await self._write(max(self._pending.values(), key=lambda pending: pending.size))

    async def _begin(self, consumer: Any) -> None:
        """Go on from where the files end; where Kafka has that no more, from its oldest record."""
        from aiokafka import TopicPartition

        prefix = self._kafka.topic_prefix
        known = await consumer._client.fetch_all_metadata()
        places = {
            TopicPartition(prefix + topic, number): topic
            for topic in self._topics
            for number in sorted(known.partitions_for_topic(prefix + topic) or ())
        }
        consumer.assign(list(places))
        starts, ends = await consumer.beginning_offsets(list(places)), await consumer.end_offsets(list(places))
        positions = {topic: self._folder.positions(topic) for topic in self._topics}
        last = {topic: self._folder.last_records(topic) for topic in self._topics}
        pending: dict[Any, PendingFile] = {}
        for at, topic in places.items():
            position = positions[topic].get(at.partition, starts[at])
            if position > ends[at]:
                raise self._made_anew(at, topic, f"ends at offset {ends[at]}, and files go up to {position}")
            if position < starts[at]:
                metrics.PARQUET_MISSED.labels(topic).inc(starts[at] - position)
                log.error(
                    "%s[%d]: Kafka no longer has offsets %d to %d, which are in no file: they were kept for less time "
                    "than nothing was written",
                    *(at.topic, at.partition, position, starts[at] - 1),
                )
            before = self._pending.get(at)
            if before is not None and before.position == position and before.next_offset >= starts[at]:
                pending[at] = before  # the connection was lost, and what was read is still here
            else:
                pending[at] = PendingFile(topic, at.partition, max(position, starts[at]))
                pending[at].last = last[topic].get(at.partition)
            # The last record is read again, since a topic that was made anew may have grown beyond it.
            before_next = pending[at].last
            consumer.seek(at, pending[at].next_offset if before_next is None else max(before_next[0], starts[at]))
        self._pending = pending

    async def _take(self, at: Any, pending: PendingFile, records: Iterable[Any]) -> None:
        for record in records:
            raw = _raw(record)
            if pending.is_another(raw):
                raise self._made_anew(at, pending.topic, f"has another record at offset {raw.offset} than its file")
            if record.offset < pending.next_offset:
                continue
            if pending.is_full(raw, self._span_s, MOST_ROWS):
                await self._write(pending)
            pending.add(raw)

    def _made_anew(self, at: Any, topic: str, why: str) -> ProblemFound:
        folder = self._folder.path / topic
        return ProblemFound(f"{at.topic}[{at.partition}] {why}: the topic was made anew; move {folder} away")

    async def _write(self, pending: PendingFile) -> None:
        rows = len(pending.records)
        path = await asyncio.to_thread(self._folder.write, pending)
        pending.written()
        metrics.PARQUET_ROWS.labels(pending.topic).inc(rows)
        metrics.PARQUET_FILES.labels(pending.topic).inc()
        log.debug("%d records in %s", rows, path)


def _raw(record: Any) -> RawRecord:
    if isinstance(record, Unreadable):
        return RawRecord(record.offset, max(0, record.timestamp), None, None, record.detail, record.end)
    return RawRecord(record.offset, max(0, record.timestamp), record.key, record.value)

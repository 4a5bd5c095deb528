"""Reads the topics into the read model, for as long as the process runs.

Compacted topics are read from their beginning, the others from a bounded past. A connection that is lost is made anew,
and reading goes on where it was. Kafka is asked for the ends of the topics once a second: an answer is the proof that
the model is current, or shows how far it is behind. No offset is committed, so that any number of consoles may run.
"""

import asyncio
import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import Unreadable
from leadline.errors import BadRecord, LeadlineError
from leadline.kafka import consumer_options, reach
from leadline.model.lag import LagRollup
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS as SPECS
from leadline.wire import CODECS, UNPROCESSABLE
from leadline_console.lag_history import MOST_ROLLUPS, SPANS_S
from leadline_console.past import shares
from leadline_console.read_model import TOPICS, ReadModel

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, TopicPartition

PAST_RECORDS: Final = {"lag": MOST_ROLLUPS, "alerts": 200_000, "actions": 50_000, "changes": 50_000, "audits": 5_000}
"""The newest records of each topic that is not compacted, with which the model begins."""
AT_ONCE: Final = 500
"""Records that are folded before other tasks run."""
POLL_MS: Final = 200
FETCH_WAIT_MS: Final = 100
CHECK_S: Final = 1.0
ANSWER_S: Final = 4.0
AWAY_S: Final = 30.0
"""After so long without an answer the connection is made anew."""
RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


class Feed:
    """The reader of one console."""

    def __init__(
        self,
        kafka: KafkaSettings,
        model: ReadModel,
        clock: Clock,
        past_records: Mapping[str, int] = MappingProxyType(PAST_RECORDS),
    ) -> None:
        self._kafka, self._model, self._clock, self._past_records = kafka, model, clock, past_records
        self._codecs = {kafka.topic_prefix + name: CODECS[name] for name in TOPICS}
        self._positions: dict[TopicPartition, int] = {}
        """The next offset of each partition, kept when the connection is made anew."""
        self._cut: set[TopicPartition] = set()
        """Partitions of roll-ups whose first record, before which others of the last day are left out, is to come."""

    async def run(self) -> None:
        """Read until cancelled; nothing is raised for a Kafka that does not answer."""
        from leadline.kafka_errors import CONNECTION_LOST, reason

        while True:
            try:
                await reach(self._kafka)
                await self._read()
            except LeadlineError as error:
                self._failed(str(error))
            except CONNECTION_LOST as error:
                self._failed(f"Kafka at {self._kafka.bootstrap}: {reason(error)}")
            await self._clock.sleep(RETRY_S)

    async def _read(self) -> None:
        from aiokafka import AIOKafkaConsumer

        from leadline.kafka_batches import ReadableRecords

        options = consumer_options(self._kafka, "leadline-console") | {"fetch_max_wait_ms": FETCH_WAIT_MS}
        consumer = AIOKafkaConsumer(*self._codecs, **options)
        await consumer.start()
        checking: asyncio.Task[None] | None = None
        try:
            consumer._fetcher._records = ReadableRecords()
            await self._seek(consumer)
            checking = asyncio.create_task(self._check(consumer))
            while not checking.done():
                for partition, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=AT_ONCE)).items():
                    self._fold(partition, records)
                await asyncio.sleep(0)
            await checking
        finally:
            if checking is not None:
                checking.cancel()
            await consumer.stop()

    async def _seek(self, consumer: "AIOKafkaConsumer") -> None:
        """Go on where reading was; at first, begin with as much of the past as is kept."""
        partitions = consumer.assignment()
        first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        pasts = await self._pasts(consumer, first, ends)
        for at in partitions:
            past = pasts[at]
            start = self._positions.get(at, past)
            if not first[at] <= start <= ends[at]:  # the topic was made anew, or its past was removed
                start = past
            self._positions[at] = start
            consumer.seek(at, start)

    async def _pasts(
        self, consumer: "AIOKafkaConsumer", first: "Mapping[TopicPartition, int]", ends: "Mapping[TopicPartition, int]"
    ) -> "dict[TopicPartition, int]":
        """The offset of each partition with which the model begins."""
        pasts = dict(first)
        for topic, codec in self._codecs.items():
            if SPECS[codec.name].cleanup != "delete":
                continue
            ours = [at for at in first if at.topic == topic]
            if codec.name == "lag":  # as long as a plot; a broker in memory answers with nothing
                day_ago_ms = int((self._clock.now().timestamp() - SPANS_S["day"]) * 1000)
                since = await consumer.offsets_for_times(dict.fromkeys(ours, day_ago_ms))
                pasts |= {at: found.offset for at, found in since.items() if found is not None}
            read = shares({at: ends[at] - pasts[at] for at in ours}, self._past_records[codec.name])
            if codec.name == "lag":
                self._cut |= {at for at in ours if ends[at] - read[at] > pasts[at] and at not in self._positions}
            pasts |= {at: ends[at] - read[at] for at in ours}
        return pasts

    async def _check(self, consumer: "AIOKafkaConsumer") -> None:
        """Ask Kafka once a second how far the topics are. Returns when it has not answered for long."""
        feed = self._model.feed
        since = self._clock.monotonic()
        while self._clock.monotonic() - since < AWAY_S:
            try:
                async with asyncio.timeout(ANSWER_S):
                    ends = await consumer.end_offsets(consumer.assignment())
            except TimeoutError:
                continue
            since = self._clock.monotonic()
            feed.behind = sum(max(0, end - self._positions.get(at, 0)) for at, end in ends.items())
            feed.is_complete = feed.is_complete or feed.behind == 0
            feed.alive_at, feed.problem = since, ""
            metrics.CONSOLE_FEED_BEHIND.set(feed.behind)
            metrics.CONSOLE_FEED_ALIVE.set(self._clock.now().timestamp())
            await self._clock.sleep(CHECK_S if feed.is_complete else CHECK_S / 5)
        self._failed(f"Kafka at {self._kafka.bootstrap} has not answered for {AWAY_S:g} s")

    def _fold(self, at: "TopicPartition", records: list[Any]) -> None:
        codec = self._codecs[at.topic]
        for record in records:
            if isinstance(record, Unreadable):
                self._skipped(codec.name, "unreadable")
                self._positions[at] = record.end
                continue
            self._positions[at] = record.offset + 1
            if record.value is None:
                self._model.forget(codec.name, (record.key or b"").decode("utf-8", "replace"))
                continue
            try:
                value = codec.decode(record.value)
                self._model.take(value)
            except BadRecord as error:
                self._skipped(codec.name, error.reason)
                continue
            except Exception:  # a defect, or values that no page can have: the other records are shown
                log.exception("a record of %s cannot be shown", codec.name)
                self._skipped(codec.name, UNPROCESSABLE)
                continue
            if at in self._cut and isinstance(value, LagRollup):
                self._cut.discard(at)
                self._model.lags_begin(value.end)

    def _skipped(self, topic: str, reason: str) -> None:
        metrics.CONSOLE_BAD_RECORDS.labels(topic, reason).inc()
        log.debug("a record of %s is skipped: %s", topic, reason)

    def _failed(self, problem: str) -> None:
        if self._model.feed.problem != problem:
            log.warning("%s; trying again", problem)
        self._model.feed.problem = problem

"""Brings what happened, was said and was done into the incident log. What is committed has been written."""

import asyncio
import logging
from collections.abc import Sequence
from random import random
from typing import Any, Final

from aiokafka.errors import IllegalStateError

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import Rejected
from leadline.errors import BadRecord
from leadline.kafka import consumer_options
from leadline.kafka_errors import CONNECTION_LOST
from leadline.logs import escape
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline.wire import ACTIONS, ALERTS, CODECS, DELIVERIES, INCIDENTS, UNPROCESSABLE
from leadline_sinks.notify.backoff import Chance, delay_s
from leadline_sinks.notify.context_consumer import stop
from leadline_sinks.notify.incident_consumer import COMMIT_WITHIN_S, POLL_MS, group
from leadline_sinks.notify.kafka_writer import AGAIN_S, Journal
from leadline_sinks.notify.reading import FETCH_WAIT_MS
from leadline_sinks.notify.self_incident import Trouble
from leadline_sinks.notify.sink import NEEDS_SOMEBODY, REASONS, Entry, GiveUp, Reason, Recorder, Retry, Sent

TARGET: Final = "incident_log"
TOPICS: Final = (ALERTS.name, INCIDENTS.name, ACTIONS.name, DELIVERIES.name)
BATCH: Final = 500

log = logging.getLogger(__name__)


class Recording:
    """Of one incident log."""

    def __init__(
        self,
        settings: SinkSettings,
        recorder: Recorder,
        journal: Journal,
        clock: Clock,
        chance: Chance = random,
    ) -> None:
        self._kafka = settings.kafka
        self._recorder = recorder
        self._journal = journal
        self._clock = clock
        self._chance = chance
        self._trouble = Trouble(TARGET, recorder.kind, clock)
        self._failing_since: float | None = None
        self._show()

    async def run(self) -> None:
        """Record until cancelled. While Kafka or the log is away, wait: what is not written is not committed."""
        away = False
        while True:
            consumer = self._consumer()
            try:
                await consumer.start()
                away = False
                await self._follow(consumer)
            except CONNECTION_LOST as error:
                if not away:
                    log.warning("%s: cannot read from Kafka (%s); waiting", TARGET, error)
                away = True
                await self._clock.sleep(AGAIN_S)
            finally:
                await stop(consumer)

    async def _follow(self, consumer: Any) -> None:
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            entries: list[tuple[Entry, Any]] = []
            for record in (record for records in fetched.values() for record in records):
                try:
                    entry = self._entry(record)
                except BadRecord as bad:
                    await self._set_aside(Rejected(record, bad.reason, bad.detail))
                else:
                    entries += [(entry, record)] if entry is not None else []
            if entries:
                await self._record(consumer, entries)
            if fetched:
                await self._commit(consumer, {at: records[-1].offset + 1 for at, records in fetched.items()})

    def _entry(self, record: Any) -> Entry | None:
        """What is to be written of a record; None where it only removes another. Raises BadRecord."""
        topic = record.topic.removeprefix(self._kafka.topic_prefix)
        if record.value is None:
            return None
        value = CODECS[topic].decode(record.value)
        headers = {name: content or b"" for name, content in record.headers}
        named = [headers.get(name, b"").decode("ascii", "replace") for name in ("ce_source", "ce_id")]
        event_id = " ".join(named) if all(named) else f"{topic}/{record.partition}/{record.offset}"
        return Entry(topic, event_id, record.partition, record.offset, value)

    async def _record(self, consumer: Any, entries: Sequence[tuple[Entry, Any]]) -> None:
        """Write entries; one that the log will never take goes to the dead letters, the others are written."""
        failures = 0
        while True:
            began = self._clock.monotonic()
            outcome = await self._attempt([entry for entry, _ in entries])
            metrics.SINK_ATTEMPT_SECONDS.labels(TARGET).observe(self._clock.monotonic() - began)
            match outcome:
                case Sent():
                    metrics.SINK_DELIVERIES.labels(TARGET, "sent").inc(len(entries))
                    await self._works([entry for entry, _ in entries])
                    return
                case GiveUp(reason, detail) if reason not in NEEDS_SOMEBODY and len(entries) == 1:
                    metrics.SINK_FAILURES.labels(TARGET, str(reason)).inc()
                    metrics.SINK_GIVEN_UP.labels(TARGET, str(reason)).inc()
                    metrics.SINK_DELIVERIES.labels(TARGET, "given_up").inc()
                    await self._set_aside(Rejected(entries[0][1], UNPROCESSABLE, f"{reason}: {detail}"))
                    return
                case GiveUp(reason) if reason not in NEEDS_SOMEBODY:
                    middle = len(entries) // 2
                    await self._record(consumer, entries[:middle])
                    await self._record(consumer, entries[middle:])
                    return
                case Retry(reason, detail, after_s):
                    failures += 1
                    await self._fails(reason, detail)
                    await self._wait(consumer, max(after_s or 0.0, delay_s(failures, self._chance)))
                case GiveUp(reason, detail):
                    failures += 1
                    await self._fails(reason, detail)
                    await self._wait(consumer, delay_s(failures, self._chance))

    async def _attempt(self, entries: Sequence[Entry]) -> Sent | Retry | GiveUp:
        try:
            return await self._recorder.record(entries)
        except Exception as error:  # a defect: try smaller pieces, so that one entry does not hold up the rest
            log.exception("the incident log failed")
            return GiveUp(Reason.REJECTED, f"a defect of ours: {type(error).__name__}")

    async def _works(self, entries: Sequence[Entry]) -> None:
        if self._failing_since is not None:
            log.info("%s can be written again", TARGET)
        self._failing_since = None
        self._show()
        for entry in entries:
            if isinstance(entry.value, Incident):
                self._trouble.seen(entry.value)
        for record in self._trouble.worked():
            await self._journal.write(record)

    async def _fails(self, reason: Reason, detail: str) -> None:
        metrics.SINK_FAILURES.labels(TARGET, str(reason)).inc()
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            log.error("%s cannot be written: %s (%s); what happens waits", TARGET, REASONS[reason], detail)
        self._show()
        record = self._trouble.failed(reason, detail)
        if record is not None:
            await self._journal.write(record)

    async def _wait(self, consumer: Any, seconds: float) -> None:
        """Let time pass and stay in the group: Kafka takes partitions from who does not ask for records."""
        until = self._clock.monotonic() + seconds
        try:
            while (left_s := until - self._clock.monotonic()) > 0:
                consumer.pause(*consumer.assignment())
                held = await consumer.getmany(timeout_ms=round(min(left_s, 1.0) * 1000))
                for partition, records in held.items():  # of partitions that came meanwhile
                    consumer.seek(partition, records[0].offset)
        finally:
            consumer.resume(*consumer.paused())

    async def _set_aside(self, rejected: Rejected) -> None:
        record = rejected.record
        metrics.SINK_BAD_RECORDS.labels(record.topic.removeprefix(self._kafka.topic_prefix), rejected.reason).inc()
        where = f"{record.topic}[{record.partition}] offset {record.offset}"
        log.warning("%s to the dead letters: %s", where, escape(rejected.detail))
        await self._journal.put(rejected.letter(self._kafka.topic_prefix + "deadletters", self._clock.now()))

    async def _commit(self, consumer: Any, offsets: dict[Any, int]) -> None:
        ours = {partition: offset for partition, offset in offsets.items() if partition in consumer.assignment()}
        try:
            if ours:
                async with asyncio.timeout(COMMIT_WITHIN_S):
                    await consumer.commit(ours)
        except (IllegalStateError, *CONNECTION_LOST) as error:  # it is read again, and known to be written
            log.debug("%s: cannot commit: %s", TARGET, error)

    def _consumer(self) -> Any:
        from aiokafka import AIOKafkaConsumer

        prefix = self._kafka.topic_prefix
        options = consumer_options(self._kafka, "leadline-sink", group(prefix, TARGET))
        return AIOKafkaConsumer(*(prefix + topic for topic in TOPICS), **options, fetch_max_wait_ms=FETCH_WAIT_MS)

    def _show(self) -> None:
        since = self._failing_since
        metrics.SINK_BREAKER_OPEN.labels(TARGET).set(since is not None)
        metrics.SINK_OLDEST_PENDING_SECONDS.labels(TARGET).set(
            0.0 if since is None else self._clock.monotonic() - since
        )

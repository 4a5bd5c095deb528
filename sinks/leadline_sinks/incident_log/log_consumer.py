"""Brings what the incident log keeps from Kafka into it; commits what is written."""

import logging
from collections.abc import Sequence
from random import random
from typing import Any, Final

from leadline import metrics
from leadline.clock import Clock
from leadline.errors import BadRecord
from leadline.model.incident import Incident
from leadline.settings.sink import SinkSettings
from leadline.wire import ACTIONS, ALERTS, AUDITS, CHANGES, CODECS, DELIVERIES, INCIDENTS, UNPROCESSABLE
from leadline_sinks.notify.attempts import count_from_zero
from leadline_sinks.notify.dead_letters import DeadLetters
from leadline_sinks.notify.group_watch import GroupWatch, has_share
from leadline_sinks.notify.kafka_reader import (
    POLL_MS,
    commit,
    consume,
    consumer_group,
    new_consumer,
    value_of,
    wait_in_group,
)
from leadline_sinks.notify.kafka_writer import KafkaWriter
from leadline_sinks.notify.pacing import RandomNumber, delay_s
from leadline_sinks.notify.self_incident import SelfIncident
from leadline_sinks.notify.sink import (
    NEEDS_OPERATOR,
    REASONS,
    GiveUp,
    IncidentLogWriter,
    Reason,
    Retry,
    Sent,
    TopicRecord,
)

TARGET: Final = "incident_log"
TOPICS: Final = (ALERTS.name, INCIDENTS.name, ACTIONS.name, DELIVERIES.name, CHANGES.name, AUDITS.name)
BATCH: Final = 500
"""Records in one transaction, at most."""

log = logging.getLogger(__name__)


class LogConsumer:
    """The consumer of one incident log."""

    def __init__(
        self,
        settings: SinkSettings,
        incident_log: IncidentLogWriter,
        kafka_writer: KafkaWriter,
        dead_letters: DeadLetters,
        clock: Clock,
        random_number: RandomNumber = random,
    ) -> None:
        self._kafka = settings.kafka
        self._incident_log = incident_log
        self._kafka_writer = kafka_writer
        self._dead_letters = dead_letters
        self._clock = clock
        self._random_number = random_number
        self._self_incident = SelfIncident(TARGET, incident_log.kind, clock)
        self._failing_since: float | None = None
        count_from_zero(TARGET)
        self._update_metrics()

    async def run(self) -> None:
        """Write until cancelled. While Kafka or the incident log is away, wait; nothing is committed unwritten."""
        await consume(TARGET, self._new_consumer, self._follow, self._clock)

    async def _follow(self, consumer: Any) -> None:
        watch = GroupWatch(TARGET, self._clock)
        while not watch.is_stuck(moves=has_share(consumer)):
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
            batch: list[tuple[TopicRecord, Any]] = []
            for record in (record for records in fetched.values() for record in records):
                try:
                    decoded = self._decode(record)
                except BadRecord as bad:
                    await self._dead_letters.put(record, bad)
                else:
                    batch += [(decoded, record)] if decoded is not None else []
            if batch:
                await self._write(consumer, batch)
            offsets = {at: records[-1].offset + 1 for at, records in fetched.items() if at in consumer.assignment()}
            if offsets:
                await commit(consumer, offsets, TARGET)

    def _decode(self, record: Any) -> TopicRecord | None:
        """The record for the incident log; None for a record that only removes another. Raises BadRecord."""
        topic = record.topic.removeprefix(self._kafka.topic_prefix)
        value = value_of(CODECS[topic], record)
        if value is None:
            return None
        headers = {name: content or b"" for name, content in record.headers}
        names = [headers.get(name, b"").decode("ascii", "replace") for name in ("ce_source", "ce_id")]
        event_id = " ".join(names) if all(names) else f"{topic}/{record.partition}/{record.offset}"
        return TopicRecord(topic, event_id, record.partition, record.offset, value)

    async def _write(self, consumer: Any, batch: Sequence[tuple[TopicRecord, Any]]) -> None:
        """Write a batch. A record that the incident log rejects goes to the dead letters; the others are written."""
        failures = 0
        while True:
            began = self._clock.monotonic()
            outcome = await self._attempt([decoded for decoded, _ in batch])
            metrics.SINK_ATTEMPT_SECONDS.labels(TARGET).observe(self._clock.monotonic() - began)
            match outcome:
                case Sent():
                    metrics.SINK_DELIVERIES.labels(TARGET, "sent").inc(len(batch))
                    await self._record_success([decoded for decoded, _ in batch])
                    return
                case GiveUp(reason, detail) if reason not in NEEDS_OPERATOR and len(batch) == 1:
                    metrics.SINK_FAILURES.labels(TARGET, str(reason)).inc()
                    metrics.SINK_GIVEN_UP.labels(TARGET, str(reason)).inc()
                    metrics.SINK_DELIVERIES.labels(TARGET, "given_up").inc()
                    await self._dead_letters.put(batch[0][1], BadRecord(UNPROCESSABLE, f"{reason}: {detail}"))
                    return
                case GiveUp(reason) if reason not in NEEDS_OPERATOR:
                    middle = len(batch) // 2
                    await self._write(consumer, batch[:middle])
                    await self._write(consumer, batch[middle:])
                    return
                case Retry(reason, detail, after_s):
                    failures += 1
                    await self._record_failure(reason, detail)
                    wait_s = max(after_s or 0.0, delay_s(failures, self._random_number))
                    await wait_in_group(consumer, wait_s, self._clock)
                case GiveUp(reason, detail):
                    failures += 1
                    await self._record_failure(reason, detail)
                    await wait_in_group(consumer, delay_s(failures, self._random_number), self._clock)

    async def _attempt(self, records: Sequence[TopicRecord]) -> Sent | Retry | GiveUp:
        try:
            return await self._incident_log.write(records)
        except Exception as error:  # a defect: smaller batches find the record, so that it does not stop the others
            log.exception("defect while writing to the incident log")
            return GiveUp(Reason.REJECTED, f"defect in Leadline: {type(error).__name__}")

    async def _record_success(self, records: Sequence[TopicRecord]) -> None:
        if self._failing_since is not None:
            log.info("%s accepts records again", TARGET)
        self._failing_since = None
        self._update_metrics()
        for record in records:
            if isinstance(record.value, Incident):
                self._self_incident.observe(record.value)
        for incident in (*self._incident_log.at_risk, *self._self_incident.record_success()):
            await self._kafka_writer.write(incident)

    async def _record_failure(self, reason: Reason, detail: str) -> None:
        metrics.SINK_FAILURES.labels(TARGET, str(reason)).inc()
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            log.error("cannot write to %s: %s (%s); records are queued in Kafka", TARGET, REASONS[reason], detail)
        self._update_metrics()
        incident = self._self_incident.record_failure(reason, detail)
        if incident is not None:
            await self._kafka_writer.write(incident)

    def _new_consumer(self) -> Any:
        prefix = self._kafka.topic_prefix
        topics = [prefix + topic for topic in TOPICS]
        return new_consumer(self._kafka, *topics, group=consumer_group(prefix, TARGET))

    def _update_metrics(self) -> None:
        since = self._failing_since
        metrics.SINK_BREAKER_OPEN.labels(TARGET).set(since is not None)
        metrics.SINK_OLDEST_PENDING_SECONDS.labels(TARGET).set(
            0.0 if since is None else self._clock.monotonic() - since
        )

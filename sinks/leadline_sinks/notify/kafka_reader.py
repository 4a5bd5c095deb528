"""Reading topics: consumers that reconnect and commit, and the values of records."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar, cast

import msgspec
from aiokafka.errors import CommitFailedError, IllegalStateError

from leadline import metrics
from leadline.clock import Clock
from leadline.deadletters import Unreadable
from leadline.errors import BadRecord
from leadline.kafka import consumer_options
from leadline.kafka_batches import ReadableRecords
from leadline.kafka_errors import CONNECTION_LOST, reason
from leadline.settings.common import KafkaSettings
from leadline.wire import UNPROCESSABLE, Codec, encode
from leadline_sinks.notify.pacing import RECONNECT_S

POLL_MS: Final = 200
FETCH_WAIT_MS: Final = 250
"""Longest time that a broker holds a fetch open for new records. The embedded broker always waits that long."""
REBALANCE_MS: Final = 60_000
"""Longest time that Kafka waits for a process to let go of its partitions when they move. By default it is no longer
than a session, 10 s, and a delivery may last longer."""
COMMIT_S: Final = 5.0
"""Longest time of one commit."""
OWNS_S: Final = 10.0
"""Longest time to learn whether partitions are ours; an answer after a session would say nothing about now."""
STOP_S: Final = 5.0
REPLAY: Final = "leadline-replay"
"""Header of records that ``leadline replay`` made. Targets are not notified of them unless the settings ask for it."""

T = TypeVar("T")
log = logging.getLogger(__name__)


def consumer_group(prefix: str, target: str) -> str:
    """The name of a target's consumer group."""
    return f"{prefix}sink.{target}"


def new_consumer(kafka: KafkaSettings, *topics: str, group: str | None = None) -> Any:
    """A consumer that is not started. ``topics`` are full names."""
    from aiokafka import AIOKafkaConsumer

    options = consumer_options(kafka, "leadline-sink", group)
    return AIOKafkaConsumer(*topics, **options, rebalance_timeout_ms=REBALANCE_MS, fetch_max_wait_ms=FETCH_WAIT_MS)


async def consume(name: str, make: Callable[[], Any], work: Callable[[Any], Awaitable[None]], clock: Clock) -> None:
    """Start a consumer and run ``work`` with it, until cancelled.

    When the connection to Kafka is lost, or ``work`` returns, it is run again with a new consumer. ``name`` is for the
    process log, which has one message for each outage.
    """
    reported = False
    while True:
        consumer = make()
        try:
            await consumer.start()
            consumer._fetcher._records = ReadableRecords()
            reported = False
            await work(consumer)
        except CONNECTION_LOST as error:
            if not reported:
                why = reason(error)
                log.warning("%s: cannot read from Kafka: %s; retrying every %g s", name, why, RECONNECT_S)
            reported = True
        finally:
            await _stop(consumer)
        await clock.sleep(RECONNECT_S)


async def commit(consumer: Any, offsets: Mapping[Any, int], name: str) -> bool:
    """Commit offsets; False when that was impossible. Records that are read again are recognized as processed."""
    try:
        async with asyncio.timeout(COMMIT_S):
            await consumer.commit(dict(offsets))
    except (IllegalStateError, *CONNECTION_LOST) as error:
        log.debug("%s: cannot commit: %s", name, error)
        return False
    return True


async def owns(consumer: Any, offsets: Mapping[Any, int]) -> bool | None:
    """Whether the partitions of these offsets are this consumer's; None where Kafka does not answer.

    Kafka takes offsets from members of the group only, and counts their session anew when it does.
    """
    generation = consumer._coordinator.generation
    if generation < 0 or not offsets:  # it takes them from nobody in particular, too, while the group has no member
        return False
    try:
        async with asyncio.timeout(OWNS_S):
            await consumer.commit(dict(offsets))
    except (IllegalStateError, CommitFailedError):
        return False
    except CONNECTION_LOST:
        return None
    return bool(consumer._coordinator.generation == generation)


async def has_reached(consumer: Any, ends: Mapping[Any, int]) -> bool:
    """Whether a consumer has read all records before these offsets."""
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


async def wait_in_group(consumer: Any, seconds: float, clock: Clock) -> None:
    """Wait and stay in the group: Kafka takes the partitions of a consumer that does not poll."""
    until = clock.monotonic() + seconds
    try:
        while (left_s := until - clock.monotonic()) > 0:
            consumer.pause(*consumer.assignment())
            held = await consumer.getmany(timeout_ms=round(min(left_s, 1.0) * 1000))
            for partition, records in held.items():  # of partitions that were assigned meanwhile
                consumer.seek(partition, records[0].offset)
    finally:
        consumer.resume(*consumer.paused())


def value_of(codec: Codec[T], record: Any) -> T | None:
    """The value of a record; None where it has none. Raises BadRecord where it cannot be used."""
    if isinstance(record, Unreadable):
        raise BadRecord(UNPROCESSABLE, record.detail)
    return None if record.value is None else usable(codec, record.value)


def decode(codec: Codec[T], record: Any) -> T | None:
    """The same; None also for a record that cannot be used, which is skipped, logged and counted."""
    try:
        return value_of(codec, record)
    except BadRecord as bad:
        metrics.SINK_BAD_RECORDS.labels(codec.name, bad.reason).inc()
        log.warning("skipping %s: %s", place_of(record), ascii(str(bad)))
        return None


def usable(codec: Codec[T], data: bytes) -> T:
    """The value of a record that can be written again. Raises BadRecord: a time may be outside of the years that can
    be, and whatever it is part of could be neither recorded nor sent."""
    try:
        value = codec.decode(data)
        encode(cast(msgspec.Struct, value))
    except BadRecord:
        raise
    except Exception as error:
        raise BadRecord(UNPROCESSABLE, f"it cannot be written again: {error}") from None
    return value


def place_of(record: Any) -> str:
    """Topic, partition and offset of a record, for the process log."""
    return f"{record.topic}[{record.partition}] offset {record.offset}"


def is_replayed(record: Any) -> bool:
    """Whether ``leadline replay`` made a record."""
    return any(name == REPLAY for name, _ in record.headers)


async def _stop(consumer: Any) -> None:
    """Stop a consumer, whether or not Kafka answers."""
    with contextlib.suppress(*CONNECTION_LOST):
        async with asyncio.timeout(STOP_S):
            await consumer.stop()

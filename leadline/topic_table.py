"""The content of a topic as it is now: the newest value of each key, or every value of one."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

from leadline.deadletters import Unreadable
from leadline.errors import BadRecord, UnreachableError
from leadline.kafka import consumer_options, reach
from leadline.settings.common import KafkaSettings
from leadline.wire import Codec

POLL_MS = 200
FETCH_WAIT_MS = 100

T = TypeVar("T")


async def latest(kafka: KafkaSettings, codec: Codec[T], client_id: str) -> dict[str, T]:
    """The newest value of each key of a topic, within a partition in the order of writing.

    Removed keys and values that cannot be decoded are left out. Raises UnreachableError.
    """
    found = await newest(kafka, codec, client_id)
    return {key: value for key, value in found.items() if value is not None}


async def newest(kafka: KafkaSettings, codec: Codec[T], client_id: str) -> dict[str, T | None]:
    """The same with None for each key that was removed, until Kafka has forgotten that as well."""
    found: dict[str, T | None] = {}
    async for key, value in _records(kafka, codec, client_id):
        found.pop(key, None)
        with suppress(BadRecord):
            found[key] = codec.decode(value) if value is not None else None
    return found


async def of_key(kafka: KafkaSettings, codec: Codec[T], client_id: str, key: str) -> list[T]:
    """Every value of one key that the topic still has, in the order of writing. Raises UnreachableError."""
    found: list[T] = []
    async for each, value in _records(kafka, codec, client_id):
        if each == key and value is not None:
            with suppress(BadRecord):
                found.append(codec.decode(value))
    return found


async def _records(
    kafka: KafkaSettings, codec: Codec[T], client_id: str
) -> AsyncGenerator[tuple[str, bytes | None], None]:
    """The key and the value of every record that is in the topic now; what the client cannot read is left out."""
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    from leadline.kafka_batches import ReadableRecords
    from leadline.kafka_errors import reason

    await reach(kafka)
    topic = kafka.topic_prefix + codec.name
    consumer = AIOKafkaConsumer(topic, **consumer_options(kafka, client_id), fetch_max_wait_ms=FETCH_WAIT_MS)
    try:
        await consumer.start()
        consumer._fetcher._records = ReadableRecords()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    if isinstance(record, Unreadable):
                        continue
                    yield (record.key or b"").decode("utf-8", "replace"), record.value
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: {topic} cannot be read: {reason(error)}") from None
    finally:
        await consumer.stop()

"""The records of a topic that may be about one key, between two times."""

from collections.abc import AsyncGenerator
from datetime import datetime

from leadline.errors import UnreachableError, UsageError
from leadline.kafka import consumer_options
from leadline.recording import Recorded
from leadline.settings.common import KafkaSettings
from leadline.topics import describe

POLL_MS = 250


class NoRight(UnreachableError):
    """A topic may not be read by this login."""


async def records_between(
    kafka: KafkaSettings, name: str, client_id: str, key: str, since: datetime, until: datetime
) -> AsyncGenerator[Recorded, None]:
    """The records of the topic ``name`` in the partition of a key, as Kafka got them between two times, in order.

    Other keys of that partition are among them. The key chooses the partition as for those that write. Close the
    generator to end early. Raises NoRight, UnreachableError, and UsageError where there is no topic.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
    from aiokafka.partitioner import murmur2

    from leadline.kafka_errors import reason

    topic = kafka.topic_prefix + name
    (count,) = [found.partitions for found in await describe(kafka) if found.name == topic]
    if not count:
        raise UsageError(
            f"Kafka at {kafka.bootstrap} has no topic {topic}; grant Describe on it, or check kafka.topic_prefix"
        )
    first_ms = int(since.timestamp() * 1000)
    consumer = AIOKafkaConsumer(**consumer_options(kafka, client_id))
    try:
        await consumer.start()
        place = TopicPartition(topic, int(murmur2(key.encode()) & 0x7FFFFFFF) % count)
        consumer.assign([place])
        (end,) = (await consumer.end_offsets([place])).values()
        (start,) = (await consumer.offsets_for_times({place: first_ms})).values()
        if start is not None:
            consumer.seek(place, start.offset)
        else:  # nothing is as new; a broker in memory, which keeps little, says so of any time
            await consumer.seek_to_beginning(place)
        last_ms = int(until.timestamp() * 1000)
        while await consumer.position(place) < end:
            for r in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, ()):
                if r.timestamp > last_ms:
                    return
                if r.timestamp < first_ms:
                    continue
                headers = list(r.headers)
                yield Recorded(topic, place.partition, r.offset, r.timestamp, r.key, headers, r.value, r.timestamp_type)
    except TopicAuthorizationFailedError as error:
        raise NoRight(f"Kafka at {kafka.bootstrap}: {reason(error)}") from None
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: {topic} cannot be read: {reason(error)}") from None
    finally:
        await consumer.stop()

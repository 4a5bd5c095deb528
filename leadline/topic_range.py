"""The values of a topic from a time on, up to what is there now."""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, TypeVar

from leadline.clock import moment
from leadline.deadletters import Unreadable
from leadline.errors import BadRecord, UnreachableError, UsageError
from leadline.kafka import consumer_options, reach
from leadline.settings.common import KafkaSettings
from leadline.wire import Codec

POLL_MS: Final = 200
MAX_RECORDS: Final = 5000
EARLIER_MS: Final = 60_000
"""Values are read from so much before the time on: Kafka took them later than they say, or its clock differs."""

T = TypeVar("T")


async def written_since(
    kafka: KafkaSettings,
    codec: Codec[T],
    client_id: str,
    since: datetime | None,
    begins_later: Callable[[datetime], None],
) -> AsyncGenerator[list[T], None]:
    """The values that Kafka took at this time or later, and for a minute before, in batches; of one key in the order of
    writing. What cannot be decoded is left out.

    ``begins_later`` is called with the time of the oldest record where older ones are no longer kept, and ``since`` is
    before it. Raises UnreachableError, and UsageError without the right to read, or when there is no such topic.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

    from leadline.kafka_batches import ReadableRecords
    from leadline.kafka_errors import reason

    await reach(kafka)
    topic = kafka.topic_prefix + codec.name
    consumer = AIOKafkaConsumer(**consumer_options(kafka, client_id))
    try:
        await consumer.start()
        consumer._fetcher._records = ReadableRecords()
        numbers = (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic)
        if not numbers:
            raise UsageError(f"Kafka at {kafka.bootstrap} has no topic {topic}; check kafka.topic_prefix")
        places = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(places)
        ends, oldest = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
        starts = await _starts(consumer, oldest, ends, since)
        for place, start in starts.items():
            consumer.seek(place, start)
        shortened = {place for place in places if 0 < oldest[place] == starts[place] < ends[place]}
        first: datetime | None = None
        while any([await consumer.position(place) < ends[place] for place in places]):
            batch: list[T] = []
            for place, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)).items():
                for record in records:
                    if isinstance(record, Unreadable) or record.value is None or record.offset >= ends[place]:
                        continue
                    if place in shortened:
                        shortened.discard(place)
                        at = moment(record.timestamp / 1000)
                        first = at if first is None else min(first, at)
                    with suppress(BadRecord):
                        batch.append(codec.decode(record.value))
            yield batch
        if since is not None and first is not None and first > since:
            begins_later(first)
    except TopicAuthorizationFailedError:
        raise UsageError(
            f"Kafka at {kafka.bootstrap} does not permit reading {topic}; grant Read on it, "
            "as deploy/kafka/acls.sh does"
        ) from None
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: {topic} cannot be read: {reason(error)}") from None
    finally:
        await consumer.stop()


async def _starts(
    consumer: Any, oldest: dict[Any, int], ends: dict[Any, int], since: datetime | None
) -> dict[Any, int]:
    """The offset to read each partition from; the oldest where a broker does not find offsets by time.

    The broker in memory answers that there is none, also to the question for the first one of all.
    """
    filled = [place for place in oldest if oldest[place] < ends[place]]
    if since is None or not filled:
        return oldest
    ever = await consumer.offsets_for_times(dict.fromkeys(filled, 0))
    wanted = max(0, int(since.timestamp() * 1000) - EARLIER_MS)
    found = await consumer.offsets_for_times(dict.fromkeys(filled, wanted))
    starts = {place: found[place].offset if found.get(place) else ends[place] for place in filled if ever.get(place)}
    return {place: max(oldest[place], starts.get(place, oldest[place])) for place in oldest}

"""The reading of ``leadline explain`` from Kafka: samples of a while, and what the sinks wrote about incidents."""

from collections.abc import AsyncGenerator, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from leadline.errors import UnreachableError, UsageError
from leadline.kafka import consumer_options
from leadline.model.incident import Incident
from leadline.recording import Recorded
from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest, of_key
from leadline.topics import describe
from leadline.wire import ACTIONS, DELIVERIES, INCIDENTS, SILENCES

if TYPE_CHECKING:
    from leadline_streams.explain.held_back import Notified

CLIENT = "leadline-explain"
POLL_MS = 250
MOST_INCIDENTS = 5
"""Acknowledgements are read of so many incidents."""


async def samples(
    kafka: KafkaSettings, cluster: str, since: datetime, until: datetime
) -> AsyncGenerator[Recorded, None]:
    """The records of the samples topic that may be about a cluster, as Kafka got them between two times, in order.

    They are in one partition, which the name of the cluster chooses as for the agents. Raises UnreachableError, and
    UsageError where there is no topic.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError
    from aiokafka.partitioner import murmur2

    from leadline.kafka_errors import reason

    topic = kafka.topic_prefix + "samples"
    (count,) = [found.partitions for found in await describe(kafka) if found.name == topic]
    if not count:
        raise UsageError(f"Kafka at {kafka.bootstrap} has no topic {topic}; check kafka.topic_prefix")
    first_ms = int(since.timestamp() * 1000)
    consumer = AIOKafkaConsumer(**consumer_options(kafka, CLIENT))
    await consumer.start()
    try:
        place = TopicPartition(topic, int(murmur2(cluster.encode()) & 0x7FFFFFFF) % count)
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
    except KafkaError as error:
        raise UnreachableError(f"Kafka at {kafka.bootstrap}: {topic} cannot be read: {reason(error)}") from None
    finally:
        await consumer.stop()


async def notified(
    kafka: KafkaSettings, cluster: str, about: Collection[str], incidents: Collection[str], at: datetime
) -> "Notified":
    """The records of the sinks about the incidents of a subject that were open at a time, or are remembered."""
    from leadline_sinks.notify.matching import patterns_match
    from leadline_streams.explain.held_back import Notified

    records = [each for each in (await latest(kafka, INCIDENTS, CLIENT)).values() if each.cluster == cluster]
    ours = [each for each in records if each.incident_id in incidents or _concerns(each, about, at)]
    idents = {each.incident_id for each in ours} | set(incidents)
    deliveries = (await latest(kafka, DELIVERIES, CLIENT)).values()
    actions = [
        each for ident in sorted(idents)[:MOST_INCIDENTS] for each in await of_key(kafka, ACTIONS, CLIENT, ident)
    ]
    silences = (await latest(kafka, SILENCES, CLIENT)).values()
    return Notified(
        deliveries=[each for each in deliveries if each.incident_id in idents],
        actions=actions,
        silences=[each for each in silences if any(patterns_match(each.matchers, one) for one in ours)],
    )


def _concerns(record: Incident, about: Collection[str], at: datetime) -> bool:
    affected = {record.incident_id, *record.affected.links, *record.affected.nodes}
    lasts = record.resolved_at is None or at <= record.resolved_at
    return bool(affected & set(about)) and record.opened_at <= at and lasts

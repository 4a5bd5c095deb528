"""The dead letters: how many records could not be used, and the newest of them."""

from typing import Final

import msgspec

from leadline.deadletters import DEAD_LETTERS, Unreadable
from leadline.errors import LeadlineError
from leadline.kafka import consumer_options, reach
from leadline.settings.common import KafkaSettings

NEWEST: Final = 20
"""So many of each partition are read."""
POLL_MS: Final = 500
MARK: Final = "leadline-deadletter-"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One record that could not be used."""

    at: str
    topic: str
    place: str
    """Partition and offset in that topic."""
    key: str
    reason: str
    detail: str


class DeadLetterCount(msgspec.Struct, frozen=True, kw_only=True):
    """The dead letters that Kafka still has."""

    count: int | None = None
    """None where they were not read."""
    newest: list[DeadLetter] = []
    """The newest first."""
    problem: str = ""
    """The reason for which they could not be read."""


async def count_of(kafka: KafkaSettings) -> DeadLetterCount:
    """The number of dead letters and the newest of them. Nothing is raised: the problem is a part of the answer."""
    from aiokafka import AIOKafkaConsumer
    from aiokafka.errors import KafkaError

    from leadline.kafka_batches import ReadableRecords
    from leadline.kafka_errors import reason

    try:
        await reach(kafka)
    except LeadlineError as error:
        return DeadLetterCount(problem=str(error))
    consumer = AIOKafkaConsumer(kafka.topic_prefix + DEAD_LETTERS, **consumer_options(kafka, "leadline-console"))
    letters: list[DeadLetter] = []
    try:
        await consumer.start()
        consumer._fetcher._records = ReadableRecords()
        partitions = consumer.assignment()
        first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for at in partitions:
            consumer.seek(at, max(first[at], ends[at] - NEWEST))
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                letters += [
                    letter(record.key, record.headers) for record in records if not isinstance(record, Unreadable)
                ]
    except KafkaError as error:
        return DeadLetterCount(problem=f"Kafka at {kafka.bootstrap}: {reason(error)}")
    finally:
        await consumer.stop()
    newest = sorted(letters, key=lambda each: each.at, reverse=True)[:NEWEST]
    return DeadLetterCount(count=sum(ends[at] - first[at] for at in partitions), newest=newest)


def letter(key: bytes | None, headers: "list[tuple[str, bytes | None]] | tuple[()]") -> DeadLetter:
    """A dead letter by the headers that say why it is one."""
    about = {
        name.removeprefix(MARK): (content or b"").decode("utf-8", "replace")
        for name, content in headers
        if name.startswith(MARK)
    }
    return DeadLetter(
        at=about.get("at", ""),
        topic=about.get("topic", ""),
        place=f"partition {about.get('partition', '?')}, offset {about.get('offset', '?')}",
        key=(key or b"").decode("utf-8", "replace"),
        reason=about.get("reason", ""),
        detail=about.get("detail", ""),
    )

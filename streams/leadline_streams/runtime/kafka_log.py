"""The worker's interface to Kafka, through the consumer and the producer of the application."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced
from aiokafka.partitioner import murmur2

from leadline.errors import UsageError
from leadline.kafka_claim import PartitionClaim
from leadline.wire import Outgoing
from leadline_streams.runtime.interfaces import Extent
from leadline_streams.runtime.transport import NOBODY, ChunkConsumer, OnceProducer, Opening

SLOW_S = 15.0
NOT_GIVEN = (
    "Kafka has given no transactional id for %g s; see whether it has as many brokers as "
    "transaction.state.log.replication.factor and transaction.state.log.min.isr ask for"
)
log = logging.getLogger(__name__)


class KafkaLog:
    """Kafka for one worker. ``group`` is that of the workers, and the beginning of the transactional ids."""

    too_large: tuple[type[Exception], ...] = (MessageSizeTooLargeError,)
    fenced: tuple[type[Exception], ...] = (ProducerFenced,)

    def __init__(self, consumer: ChunkConsumer, producer: OnceProducer, group: str, samples: str, states: str) -> None:
        self._consumer = consumer
        self._base = producer
        self._group = group
        self._samples = samples
        self._states = states
        self._claims: dict[int, PartitionClaim] = {}
        self._claiming = asyncio.Lock()

    async def claim(self) -> frozenset[int]:
        """Own the assigned partitions, and no others: Kafka takes no more states of them from others from now on.

        An id alone stops nobody: Kafka learns of an owner in each partition from its first record there. In that of the
        states this is the removal of what nobody has. Raises UsageError when states cannot go with the samples.
        """
        self._check_counts()
        partitions = frozenset(tp.partition for tp in self._assigned())
        async with self._claiming:
            await self._close_claims()
            claims = {number: PartitionClaim(self._producer, f"{self._group}-{number}") for number in partitions}
            waiting = asyncio.get_running_loop().call_later(SLOW_S, log.warning, NOT_GIVEN, SLOW_S)
            try:
                await asyncio.gather(*(claim.take() for claim in claims.values()))
            finally:
                waiting.cancel()
                self._claims = claims
            first = [
                await claim.send(Outgoing(self._states, NOBODY, None, [], number)) for number, claim in claims.items()
            ]
            await asyncio.gather(*first)
        return partitions

    async def let_go(self) -> None:
        """Own nothing, once what waits to be written is."""
        async with self._claiming:
            await self._close_claims()

    async def renew(self) -> None:
        """Claim the same partitions again, before Kafka forgets them."""
        async with self._claiming:
            for claim in self._claims.values():
                await claim.renew()

    async def send(self, record: Outgoing, home: int) -> Awaitable[object]:
        """Send a record; the awaitable is done when all in-sync replicas have it."""
        return await self._claim(home).send(record)

    async def send_together(self, records: Sequence[Outgoing], home: int) -> Awaitable[object]:
        """Send records of one topic and partition in as few batches as possible. Raises UsageError."""
        topic, partition = records[0].topic, records[0].partition
        if partition not in await self._producer.partitions_for(topic):
            raise UsageError(
                f"{topic} has no partition {partition}: it must have as many as {self._samples}; "
                "see `leadline topics describe`"
            )
        return await self._claim(home).send_together(records)

    async def extents(self) -> Mapping[int, Extent]:
        """The partitions of the samples assigned to this worker. Raises UsageError when states cannot go with them."""
        self._check_counts()
        consumer, assigned = self._consumer, self._assigned()
        if not assigned:
            return {}
        earliest, ends = await consumer.earliest_offsets(*assigned), await consumer.highwaters(*assigned)
        committed = consumer._committed_offset
        return {tp.partition: Extent(earliest[tp], ends[tp], committed[tp]) for tp in assigned}

    def unusable_states(self, partition: int) -> Sequence[Any]:
        """Records of the partition's states that cannot be read, or have no key."""
        return list(self._consumer.unusable.get(partition, {}).values())

    def partition_of(self, key: bytes) -> int:
        """The partition of the samples that the records of a key are in: as every client of Kafka chooses it."""
        return int(murmur2(key) & 0x7FFFFFFF) % (self._consumer.topic_partitions(self._samples) or 1)

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Read these partitions from these offsets on."""
        return await self._consumer.open(positions)

    async def flush(self) -> None:
        """Commit now. Faust's own ``commit`` does nothing while an earlier one is in flight."""
        while await self._consumer.maybe_wait_for_commit_to_finish():
            pass
        await self._consumer.commit()

    def _assigned(self) -> set[Any]:
        return {tp for tp in self._consumer.assignment() if tp.topic == self._samples}

    def _check_counts(self) -> None:
        counts = {topic: self._consumer.topic_partitions(topic) for topic in (self._samples, self._states)}
        if len(set(counts.values())) > 1:
            raise UsageError(
                "; ".join(f"{topic} has {count} partitions" for topic, count in counts.items())
                + ": they must have as many, or a cluster and its state are parted; see `leadline topics describe`"
            )

    async def _close_claims(self) -> None:
        for number in list(self._claims):
            await self._claims[number].close()
            del self._claims[number]

    @property
    def _producer(self) -> Any:
        return self._base._ensure_producer()

    def _claim(self, home: int) -> PartitionClaim:
        if home not in self._claims:
            raise ProducerFenced(f"partition {home} of {self._samples} is another worker's")
        return self._claims[home]

"""Kafka through Faust in chunks: the records of one fetch travel as one Faust message, a chunk for each partition.

Stock Faust spends about 70 µs on each record, nearly all of it on futures and bookkeeping per message. Here that is
paid once for all that was fetched, of however many partitions, and nothing crosses between threads. The rest stays
Faust's: group membership, assignment, tables, changelogs, recovery; its own topics travel message by message.

Two things are not left to Faust, because a rebalance can make it lose records:

- Records flow only from partitions that were opened, from the offset given. A chunk names the opening it was fetched
  for, so that one that waited somewhere across a rebalance is known to be void.
- The offsets to commit are asked for, never counted from acknowledgements.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import faust
from aiokafka.consumer.fetcher import PartitionRecords
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from mode.utils.futures import maybe_async

from leadline.deadletters import Unreadable
from leadline.kafka_batches import Places, ReadableRecords, batches, readable

MAX_BATCHES = 2500
"""Batches taken up at once, of all partitions; agents write batches of one or a few records."""
FETCH_WAIT_MS = 100
"""Longest time that Kafka may hold an empty fetch. The in-memory broker does so even when records arrive."""
MAX_FETCH_BYTES = 8 * 1024 * 1024
"""Bytes of one fetch. Each is copied three times on its way, and memory for more than some 30 MB is not kept by malloc:
it would be requested from the system, and cleared by it, at every fetch."""
MOST_UNUSABLE = 1000
"""So many records of a partition of the other topic that are of no use are kept."""
NOBODY = b""
"""A key that no cluster has."""
MAX_WAITING = 2
"""Fetches that may wait for the processor; from the second on fetching pauses. aiokafka has one more by then."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """One stretch of reading a partition, from an offset on until it is closed."""

    partition: int
    start: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition, in order, as aiokafka finds them in a batch: offset, time, key, value and headers.

    They are unpacked while they are read, which can be done once: unpacked all before, they would have left the
    processor's cache when it is their turn. The first of them may have been read before, as batches come whole.
    """

    opening: Opening
    batches: list[Any]

    @property
    def end(self) -> int:
        """The offset after the last."""
        return int(self.batches[-1].next_offset)

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(map(readable, self.batches))


Fetch = tuple[Chunk, ...]
"""The records that were fetched at once, a chunk for each partition."""


class Untouched(faust.Schema[Any, Any]):
    """Returns keys and values as they are."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> Any:
        """The key, untouched."""
        return message.key

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The value, untouched."""
        return message.value


class Batches(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """The batches fetched of a partition. Transactions are not interpreted."""

    damaged: Places

    def __iter__(self) -> Iterator[Any]:
        for batch in batches(self, self.damaged):
            self.next_fetch_offset = batch.next_offset
            yield batch


class Fetched(ReadableRecords):
    """aiokafka's buffer of fetched records; those of one topic are returned in batches, others as aiokafka does."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def prepare(self, at: TP, found: PartitionRecords) -> None:
        """Return batches of the topic."""
        if at.topic == self._topic:
            found.__class__, found.damaged = Batches, self._damaged
        else:
            super().prepare(at, found)


class LoopWorker:
    """Runs a service in the running loop, where Faust would start a thread for it."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.ensure_future(self._serve())

    def stop(self) -> None:
        """It ends with its service."""

    async def _serve(self) -> None:
        try:
            await self._service._serve()
        except Exception:  # its parents are notified
            self._service.set_shutdown()


class LoopConsumer(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer in the application's loop; whatever holds the loop up for long costs the group membership.

    Faust gives it a thread of its own, which cannot run Python at the same time, crosses two queues for every call, and
    waits for the interpreter's lock each time a socket has something.
    """

    def __init__(self, consumer: Any, loop: asyncio.AbstractEventLoop, **kwargs: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, Worker=LoopWorker, **kwargs)

    async def on_start(self) -> None:
        """Call when the consumer starts."""
        await super().on_start()
        cast(Any, self._consumer)._fetcher._records = Fetched(cast(ChunkConsumer, self.consumer).topic)

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> Any:
        consumer = super()._create_consumer(loop)
        # Faust has 1500 ms and 50 MB here, and no settings.
        consumer._fetch_max_wait_ms, consumer._fetch_max_bytes = FETCH_WAIT_MS, MAX_FETCH_BYTES
        return consumer

    async def call_thread(self, fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it here."""
        return await maybe_async(fun(*args, **kwargs))

    async def _gather_remaining_tasks(self) -> None:
        """The loop's other tasks are not ours."""


class ChunkConsumer(driver.Consumer):
    """Faust's consumer, with the records of one topic in chunks. Set ``topic`` and ``committable`` before it starts."""

    topic: str
    """The chunked topic; it must be subscribed to without acknowledgements."""
    committable: Callable[[], Mapping[int, int]]
    """Offsets up to which partitions of it may be committed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._openings: dict[TP, Opening] = {}
        self.unusable: dict[int, dict[int, Any]] = {}
        """Records of the other topic that cannot be read or have no key, by partition and offset."""
        self._room = asyncio.Event()

    def _new_consumer_thread(self) -> LoopConsumer:
        return LoopConsumer(self, loop=self.loop, beacon=self.beacon)

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Read these partitions, and no others, from these offsets on."""
        starts = {TP(self.topic, partition): offset for partition, offset in positions.items()}
        if starts:
            await self.seek_wait(starts)
        self._openings = {tp: Opening(tp.partition, start) for tp, start in starts.items()}
        self.resume_partitions(starts)
        self._room.set()
        return list(self._openings.values())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Discard what was fetched of the chunked topic, before Faust handles the rebalance."""
        self._buffered_partitions.difference_update(self._openings)
        self._openings = {}
        await super().on_partitions_revoked(revoked)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Faust resumes everything when recovery ends; the chunked topic waits for ``open``."""
        super().resume_partitions({tp for tp in tps if tp.topic != self.topic or tp in self._openings})

    def on_buffer_full(self, tp: TP) -> None:
        """A queue is full: fetch nothing more of its topic. The message has the name of one of its partitions."""
        for each in self._openings if tp.topic == self.topic else (tp,):
            super().on_buffer_full(each)

    def on_buffer_drop(self, tp: TP) -> None:
        """A queue has room again: fetch at once. Faust's record of full queues outlives rebalances."""
        for each in self._openings if tp.topic == self.topic else (tp,):
            super().on_buffer_drop(each)
            self._room.set()

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109  # Faust's name
        """Messages to deliver: one with the chunks of the chunked topic, single records of others."""
        openings = self._openings
        fetched = await self._fetch(timeout)
        chunks = tuple(
            Chunk(opening, found)
            for tp, found in fetched.items()
            if (opening := openings.get(tp)) is not None and self._openings.get(tp) is opening
        )
        if chunks and not self.should_stop and self.flow_active:
            message = self._message(chunks)
            yield message.tp, message
        for tp, found in fetched.items():
            if tp.topic == self.topic:
                continue
            for record in found:
                if self.should_stop or not self.flow_active:
                    return
                yield tp, self._to_message(tp, record)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        """A record for Faust; for one that is of no use, the removal of what nobody has."""
        if isinstance(record, Unreadable):
            offset, checksum, sizes = record.end - 1, None, (0, 0)
        elif record.key is None:
            offset, checksum, sizes = record.offset, record.checksum, (0, 0)
        else:
            return super()._to_message(tp, record)
        known = self.unusable.setdefault(tp.partition, {})
        if len(known) < MOST_UNUSABLE:
            known[record.offset] = record
        return ConsumerMessage(
            *(tp.topic, tp.partition, offset, record.timestamp / 1000, record.timestamp_type, [], NOBODY, None),
            *(checksum, *sizes, tp),
            generation_id=self.app.consumer_generation_id,
        )

    async def _fetch(self, wait_s: float) -> Mapping[TP, list[Any]]:
        # Faust passes the live set, which may grow meanwhile, and sleeps for a second when all buffers are full.
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active = set(self._get_active_partitions())
        if active:
            return await self._getmany(active_partitions=active, timeout=wait_s)
        self._room.clear()
        # aiokafka takes who fetches nothing for one that hangs: it leaves the group after a while for ever.
        # A spare worker would not be there when the others are gone.
        consumer = cast(LoopConsumer, self._thread)._consumer
        with consumer._subscription.fetch_context() if consumer is not None else nullcontext():
            await self.wait(self._room.wait(), timeout=wait_s)
        return {}

    def _message(self, fetch: Fetch) -> Message:
        """For Faust it is of the first of the partitions."""
        chunk = fetch[0]
        tp, last = TP(self.topic, chunk.opening.partition), chunk.batches[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            chunk.end - 1,
            timestamp=last.max_timestamp / 1000,
            timestamp_type=last.timestamp_type,
            headers=None,
            key=None,
            value=cast(bytes, fetch),  # Untouched hands it on
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        offsets = {TP(self.topic, partition): offset for partition, offset in self.committable().items()}
        return {tp: offset for tp, offset in offsets.items() if self._should_commit(tp, offset)}


class OnceProducer(driver.Producer):
    """Faust's producer; every record is written once, in order, by all replicas in sync, or it is an error."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class ChunkTransport(driver.Transport):
    """Faust's transport over aiokafka, with the two above."""

    Consumer = ChunkConsumer
    Producer = OnceProducer

"""Kafka through Faust in chunks: what was fetched of one partition travels as one Faust message.

Stock Faust spends about 70 µs on each record, nearly all of it on futures and bookkeeping per message. Here a partition
of the chunked topic costs that once per fetch. Everything else stays Faust's: group membership, assignment, flow
control, tables, changelogs and recovery; Faust's own topics travel message by message.

Two things are not left to Faust, because it forgets them in a rebalance:

- Records flow only from partitions that were opened (``ChunkConsumer.open``) and not closed since. A chunk names the
  opening it was fetched for, so that one that waited in a queue across a rebalance is known to be void.
- The offset to commit is asked for (``committable``), never counted from acknowledgements.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

MAX_CHUNK = 1000
"""Records per chunk: enough that the cost of a Faust message vanishes, few enough to stay under 10 ms of work."""

MAX_WAITING = 4
"""Chunks that may wait for the processor; beyond it fetching pauses."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """One stretch of time in which a partition is read from a position on."""

    partition: int
    start: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one partition, in order, as aiokafka hands them out."""

    opening: Opening
    records: list[Any]


class PassThrough(faust.Schema):  # type: ignore[misc]
    """Keys and values are handed on as they are."""

    def loads_key(self, app: Any, message: Message, **_: Any) -> Any:
        """The key, untouched."""
        return message.key

    def loads_value(self, app: Any, message: Message, **_: Any) -> Any:
        """The value, untouched."""
        return message.value


class ChunkConsumer(driver.Consumer):  # type: ignore[misc]
    """Faust's consumer, with the records of one topic in chunks."""

    topic: str = ""
    """The chunked topic."""
    committable: Callable[[int], int | None]
    """Up to where a partition of it may be committed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._openings: dict[TP, Opening] = {}
        self._drained = asyncio.Event()

    async def open(self, positions: Mapping[int, int]) -> list[Opening]:
        """Read these partitions from these offsets on."""
        starts = {TP(self.topic, partition): offset for partition, offset in positions.items()}
        await self.seek_wait(starts)
        self._openings = {tp: Opening(tp.partition, start) for tp, start in starts.items()}
        self.resume_partitions(starts)
        self._drained.set()
        return list(self._openings.values())

    def close_partitions(self) -> None:
        """Stop reading the chunked topic; what was fetched of it is void."""
        closed = set(self._openings)
        self._openings = {}
        self._buffered_partitions -= closed
        self.pause_partitions(closed)

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Faust resumes everything after recovery; the chunked topic waits for ``open``."""
        super().resume_partitions({tp for tp in tps if tp.topic != self.topic or tp in self._openings})

    def on_buffer_drop(self, tp: TP) -> None:
        """The queue has room again: fetch on, at once."""
        if tp.topic != self.topic or tp in self._openings:
            super().on_buffer_drop(tp)
            self._drained.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, set[TP]]:
        """What was fetched of the partitions that are active now. Faust passes the live set and sleeps when empty."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = set(self._get_active_partitions())
        if active:
            return await self._getmany(active_partitions=active, timeout=timeout), active
        self._drained.clear()
        await self.wait_first(self._drained.wait(), timeout=timeout)
        return {}, active

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:
        """Messages to deliver: chunks of the chunked topic, single records of the others."""
        openings = self._openings
        fetched, active = await self._wait_next_records(timeout)
        for tp, records in fetched.items():
            if tp.topic == self.topic:
                messages = self._chunks(tp, records, openings.get(tp))
            else:
                messages = (self._to_message(tp, record) for record in records if tp in active)
            for message in messages:
                if self.should_stop or not self.flow_active:
                    return
                yield tp, message

    def _chunks(self, tp: TP, records: list[Any], opening: Opening | None) -> Iterator[ConsumerMessage]:
        if opening is None or self._openings.get(tp) is not opening:
            return
        last = records[-1]
        yield ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            last.timestamp_type,
            None,
            None,
            Chunk(opening, records),
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return iter(self._openings)

    def _new_offset(self, tp: TP) -> int | None:
        return self.committable(tp.partition)


class DurableProducer(driver.Producer):  # type: ignore[misc]
    """Faust's producer, with every record written once, in order, and acknowledged by all replicas in sync."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class ChunkTransport(driver.Transport):  # type: ignore[misc]
    """Faust's transport over aiokafka with the two above."""

    Consumer = ChunkConsumer
    Producer = DurableProducer

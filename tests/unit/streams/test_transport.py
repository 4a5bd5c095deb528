"""Chunks: records that travel together, the partitions that they come from, and a rebalance. Faust without a broker."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from leadline.clock import ManualClock
from leadline.deadletters import Unreadable
from leadline.kafka_claim import TURNS_TO_SEND
from leadline.settings.stream import StreamSettings
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime.app import build
from leadline_streams.runtime.transport import Chunk, ChunkConsumer, ChunkTransport, Fetched, Opening
from tests.unit.streams.memory_log import Batch, record

SAMPLES = [TP("leadline.samples", number) for number in range(3)]
STATE = TP("leadline.state", 0)


class Consumer(ChunkConsumer):
    """The consumer with a list of fetches in Kafka's place."""

    fetches: list[Mapping[TP, list[Any]]]
    asked: list[set[TP]]
    during_fetch: Any = None

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """There is no Kafka."""

    async def _getmany(self, active_partitions: set[TP], timeout: float) -> Mapping[TP, list[Any]]:
        self.asked.append(active_partitions)
        if self.during_fetch is not None:
            await self.during_fetch()
        return self.fetches.pop(0) if self.fetches else {}


@pytest.fixture
async def consumer(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setattr(ChunkTransport, "Consumer", Consumer)
    made = cast(Consumer, build(StreamSettings(), ManualClock(), Policy()).consumer)
    made.fetches, made.asked = [], []
    made.pause_partitions({*SAMPLES, STATE})
    monkeypatch.setattr(made, "assignment", lambda: {*SAMPLES, STATE})
    monkeypatch.setattr(made, "_on_partitions_revoked", _nothing)
    return made


async def _nothing(*_: Any, **__: Any) -> None:
    """No more than Faust needs."""


def records(tp: TP, *offsets: int) -> list[Any]:
    return [record(b"x", offset, tp.partition, b"x") for offset in offsets]


async def delivered(consumer: Consumer) -> list[tuple[TP, Any]]:
    return [(tp, message) async for tp, message in consumer.getmany(timeout=0.01)]


async def test_a_fetch_is_one_message_with_a_chunk_of_each_partition(consumer: Consumer) -> None:
    """Of however many partitions: each message costs Faust as much as judging several records."""
    (first, second) = await consumer.open({0: 5, 1: 7})
    batches = [Batch(records(SAMPLES[0], 5, 6)), Batch(records(SAMPLES[0], 9))]
    consumer.fetches = [{SAMPLES[0]: batches, SAMPLES[1]: [Batch(records(SAMPLES[1], 7))]}]
    ((tp, message),) = await delivered(consumer)
    assert (tp, message.tp, message.offset) == (SAMPLES[0], SAMPLES[0], 9)
    assert [chunk.opening for chunk in message.value] == [first, second]
    assert [chunk.end for chunk in message.value] == [10, 8]
    assert [[found.offset for found in chunk] for chunk in message.value] == [[5, 6, 9], [7]]


async def test_every_partition_of_a_fetch_is_judged(consumer: Consumer) -> None:
    """The processor hands each chunk to the worker, in turn; others have the loop between two of them, and an alert has
    it until it is on its way."""
    openings = await consumer.open({0: 0, 1: 0})
    consumer.fetches = [{tp: [Batch(records(tp, 0))] for tp in SAMPLES[:2]}]
    ((_, message),) = await delivered(consumer)
    app, done = cast(Any, consumer.app), list[str | int]()

    def others(turns: int) -> None:
        done.append("others")
        if turns > 1:
            asyncio.get_running_loop().call_soon(others, turns - 1)

    async def process(chunk: Chunk) -> bool:
        done.append(chunk.opening.partition)
        urgent = chunk.opening is openings[0]
        asyncio.get_running_loop().call_soon(others, TURNS_TO_SEND if urgent else 1)
        return urgent

    app.worker.process = process

    async def once() -> Any:
        yield message.value

    (judge,) = app.agents.values()
    await judge.fun(once())
    assert done == [openings[0].partition, *["others"] * TURNS_TO_SEND, openings[1].partition, "others"]


async def test_records_of_other_topics_travel_one_by_one(consumer: Consumer) -> None:
    consumer.resume_partitions({STATE})
    state = [_with_checksum(r) for r in records(STATE, 1, 2)]
    consumer.fetches = [{STATE: state}]
    assert [(message.offset, message.value) for _, message in await delivered(consumer)] == [(1, b"x"), (2, b"x")]


async def test_states_that_cannot_be_read_are_removals_of_nobody(consumer: Consumer) -> None:
    """Recovery goes on to the last offset; what was left out is kept to be reported."""
    consumer.resume_partitions({STATE})
    broken = Unreadable(2, 5, 0, 0, ValueError("a wrong checksum"), *STATE)
    keyless = _with_checksum(record(b"x", 6, 0))
    consumer.fetches = [{STATE: [*map(_with_checksum, records(STATE, 1)), broken, keyless]}] * 2
    for _ in range(2):  # after a rebalance they are read again
        messages = [message for _, message in await delivered(consumer)]
        found = [(message.offset, message.key, message.value) for message in messages]
        assert found == [(1, b"x", b"x"), (4, b"", None), (6, b"", None)]
    assert list(consumer.unusable[0].values()) == [broken, keyless]


def _with_checksum(found: Any) -> Any:
    found.checksum = found.serialized_key_size = found.serialized_value_size = None
    return found


def test_batches_hold_what_aiokafka_unpacks_and_end_where_it_reads_on() -> None:
    """Same offsets, times, keys, values and headers; what is of other topics stays as aiokafka makes it."""
    (batches, next_offset), (whole, same_offset) = _fetched(SAMPLES[0], 0), _fetched(STATE, 0)
    assert [batch.next_offset for batch in batches] == [4, 7]
    assert {type(found) for found in whole} == {ConsumerRecord}
    assert [_parts(found) for batch in batches for found in batch] == [_parts(found) for found in whole]
    assert next_offset == same_offset == 7


def test_a_batch_comes_whole_when_only_its_end_was_asked_for() -> None:
    """The judgement skips the records that it has already applied."""
    batches, _ = _fetched(SAMPLES[0], 2)
    assert [found.offset for batch in batches for found in batch] == list(range(7))
    assert [found.offset for found in _fetched(STATE, 2)[0]] == list(range(2, 7))


def test_the_marks_of_transactions_are_passed_over() -> None:
    batches, next_offset = _fetched(SAMPLES[0], 0, second=_marked)
    assert [batch.next_offset for batch in batches] == [4]
    assert next_offset == 7


def test_a_batch_that_was_damaged_on_its_way_is_fetched_again() -> None:
    """The records before it are judged; if it comes the same again, it is damaged in Kafka, and is passed over."""
    fetched = Fetched(SAMPLES[0].topic)
    before, next_offset = _fetched(SAMPLES[0], 0, second=lambda data: data[:-1] + b"?", fetched=fetched)
    assert ([batch.next_offset for batch in before], next_offset) == ([4], 4)
    again, next_offset = _fetched(SAMPLES[0], 4, second=lambda data: data[:-1] + b"?", fetched=fetched)
    ((*_, last),) = [list(Chunk(Opening(0, 4), again[-1:]))]
    assert ((last.offset, last.end), next_offset) == ((4, 7), 7)
    assert "wrong checksum" in last.detail


def _fetched(
    tp: TP, start: int, second: Callable[[bytes], bytes] = bytes, fetched: Fetched | None = None
) -> tuple[list[Any], int]:
    """The records of a fetch of two batches from an offset on, and the offset to continue at."""
    data = _batch(0, 4) + second(_batch(4, 7))
    found = PartitionRecords(tp, MemoryRecords(data), [], start, None, None, True, 0)
    fetched = fetched if fetched is not None else Fetched(SAMPLES[0].topic)
    fetched[tp] = FetchResult(tp, assignment=None, partition_records=found, backoff=0)
    return list(fetched[tp]._partition_records), found.next_fetch_offset


def _batch(first: int, end: int) -> bytes:
    made = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for offset in range(end - first):
        made.append(offset, 1000 + offset, b"orders", b"value %d" % offset, [("ce_id", b"%d" % offset)])
    return first.to_bytes(8, "big") + bytes(made.build())[8:]


def _marked(batch: bytes) -> bytes:
    """The same as a control batch: a bit of the attributes, which follow the checksum of all that follows it."""
    content = (int.from_bytes(batch[21:23], "big") | 0x20).to_bytes(2, "big") + batch[23:]
    return batch[:17] + calc_crc32c(content).to_bytes(4, "big") + content


def _parts(it: Any) -> tuple[Any, ...]:
    return it.offset, it.timestamp, it.timestamp_type, it.key, it.value, tuple(it.headers)


async def test_a_partition_that_was_not_opened_is_neither_asked_for_nor_delivered(consumer: Consumer) -> None:
    await consumer.open({0: 0})
    consumer.resume_partitions({*SAMPLES, STATE})  # as Faust does when recovery ends
    consumer.fetches = [{SAMPLES[1]: records(SAMPLES[1], 3)}]
    assert await delivered(consumer) == []
    assert consumer.asked == [{SAMPLES[0], STATE}]


async def test_what_was_fetched_before_partitions_were_revoked_is_void(consumer: Consumer) -> None:
    await consumer.open({0: 0})
    consumer.fetches = [{SAMPLES[0]: records(SAMPLES[0], 0)}]
    consumer.during_fetch = lambda: consumer.on_partitions_revoked({SAMPLES[0]})
    assert await delivered(consumer) == []


async def test_what_was_fetched_for_an_earlier_opening_is_void(consumer: Consumer) -> None:
    await consumer.open({0: 0})
    consumer.fetches = [{SAMPLES[0]: records(SAMPLES[0], 0)}]
    consumer.during_fetch = lambda: consumer.open({0: 0})
    assert await delivered(consumer) == []


async def test_partitions_opened_during_a_fetch_are_not_part_of_it(consumer: Consumer) -> None:
    """Its result could come from before their seek."""
    await consumer.open({0: 0})
    consumer.during_fetch = lambda: consumer.open({1: 0})
    await delivered(consumer)
    assert consumer.asked == [{SAMPLES[0]}]


async def test_a_full_queue_pauses_its_partition_and_room_in_it_wakes_the_fetcher_at_once(consumer: Consumer) -> None:
    await consumer.open({0: 0})
    consumer.app.in_recovery = False
    consumer.on_buffer_full(SAMPLES[0])
    fetching = asyncio.ensure_future(consumer._fetch(3600.0))
    await asyncio.sleep(0.01)
    assert consumer.asked == []
    assert not fetching.done()
    consumer.on_buffer_drop(SAMPLES[0])
    await asyncio.wait_for(fetching, 10)
    await consumer._fetch(3600.0)
    assert consumer.asked == [{SAMPLES[0]}]


async def test_a_full_queue_pauses_all_partitions_that_share_it(consumer: Consumer) -> None:
    """A message is of many, and has the name of one; that there is room may come under the name of another."""
    await consumer.open({0: 0, 1: 0})
    consumer.app.in_recovery = False
    consumer.on_buffer_full(SAMPLES[1])
    assert not consumer._get_active_partitions() & set(SAMPLES)
    consumer.on_buffer_drop(SAMPLES[0])
    assert consumer._get_active_partitions() >= set(SAMPLES[:2])


async def test_room_in_a_queue_does_not_reopen_a_partition_that_was_revoked(consumer: Consumer) -> None:
    """Queues remember across rebalances what was full."""
    await consumer.open({0: 0})
    consumer.app.in_recovery = False
    consumer.on_buffer_full(SAMPLES[0])
    await consumer.on_partitions_revoked({SAMPLES[0]})
    consumer.on_buffer_drop(SAMPLES[0])
    assert SAMPLES[0] not in consumer._get_active_partitions()


async def test_only_what_the_worker_calls_committable_is_committed_and_never_backwards(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed: dict[TP, int] = {}

    async def commit(offsets: Mapping[TP, int]) -> bool:
        committed.update(offsets)
        return True

    monkeypatch.setattr(consumer, "_commit", commit)
    monkeypatch.setattr(consumer.app.producer, "flush", _nothing)
    consumer.committable = lambda: {0: 12, 1: 4}
    await consumer.commit()
    assert committed == {SAMPLES[0]: 12, SAMPLES[1]: 4}
    committed.clear()
    consumer.committable = lambda: {0: 11, 1: 5}
    await consumer.commit()
    assert committed == {SAMPLES[1]: 5}


async def test_the_producer_writes_once_in_order_and_waits_for_all_replicas(consumer: Consumer) -> None:
    options = cast(Any, consumer.app.producer)._settings_extra()
    assert options == {"acks": "all", "enable_idempotence": True}

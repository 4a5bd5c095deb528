"""Chunks: what travels together, from which partitions, and what a rebalance makes void. Faust without a broker."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import Any, cast

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord
from faust.types import TP

from leadline.clock import ManualClock
from leadline.settings.stream import StreamSettings
from leadline_streams.app import build
from leadline_streams.judge.policy import Policy
from leadline_streams.transport import Chunk, ChunkConsumer, ChunkTransport, Fetched
from tests.unit.streams.memory_log import record

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
    return [record(b"x", offset, tp.partition) for offset in offsets]


async def delivered(consumer: Consumer) -> list[tuple[TP, Any]]:
    return [(tp, message) async for tp, message in consumer.getmany(timeout=0.01)]


async def test_what_was_fetched_of_a_partition_is_one_message_that_ends_at_its_last_record(consumer: Consumer) -> None:
    (first, second) = await consumer.open({0: 5, 1: 7})
    fetched = {SAMPLES[0]: records(SAMPLES[0], 5, 6, 9), SAMPLES[1]: records(SAMPLES[1], 7)}
    consumer.fetches = [fetched]
    messages = await delivered(consumer)
    assert [(tp, message.offset) for tp, message in messages] == [(SAMPLES[0], 9), (SAMPLES[1], 7)]
    assert [message.value for _, message in messages] == [
        Chunk(first, fetched[SAMPLES[0]]),
        Chunk(second, fetched[SAMPLES[1]]),
    ]


async def test_records_of_other_topics_travel_one_by_one(consumer: Consumer) -> None:
    consumer.resume_partitions({STATE})
    state = [_with_checksum(r) for r in records(STATE, 1, 2)]
    consumer.fetches = [{STATE: state}]
    assert [(message.offset, message.value) for _, message in await delivered(consumer)] == [(1, b"x"), (2, b"x")]


def _with_checksum(found: Any) -> Any:
    found.checksum = found.serialized_key_size = found.serialized_value_size = None
    return found


@pytest.mark.parametrize("start", [0, 5])
def test_bare_records_are_what_aiokafka_makes_of_them_but_for_their_place(start: int) -> None:
    """Same offsets, times, keys, values and headers, same place to read on from; other topics' records stay whole."""
    bare, whole = _fetched(SAMPLES[0], start), _fetched(STATE, start)
    assert {type(record) for record in whole.pop("records")} == {ConsumerRecord}
    assert {type(record) for record in bare.pop("records")} == {DefaultRecord}
    assert bare == whole


def _fetched(tp: TP, start: int) -> dict[str, Any]:
    """What is handed out of a fetch of seven records from an offset on, five of them at once."""
    batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000)
    for offset in range(7):
        batch.append(offset, 1000 + offset, b"orders", b"value %d" % offset, [("ce_id", b"%d" % offset)])
    found = PartitionRecords(tp, MemoryRecords(bytes(batch.build())), [], start, None, None, True, 0)
    fetched = Fetched(SAMPLES[0].topic)
    fetched[tp] = FetchResult(tp, assignment=None, partition_records=found, backoff=0)
    records = list(islice(fetched[tp]._partition_records, 5))
    parts = [(r.offset, r.timestamp, r.timestamp_type, r.key, r.value, tuple(r.headers)) for r in records]
    return {"records": records, "parts": parts, "next": found.next_fetch_offset}


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

"""From the outbox to Kafka: every record, in order, whatever Kafka does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline.model.ids import ClusterName, NodeName
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.settings.secret import Secret
from leadline.signature import SIGNATURE, Signer
from leadline.wire import SPOOLED
from leadline_agents.outbox import Outbox
from leadline_agents.publisher import Publisher
from leadline_agents.spool import Spool
from tests.fixtures.channels import AWAY, FakeKafka


@pytest.fixture
def kafka() -> FakeKafka:
    return FakeKafka()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: ManualClock) -> Outbox:
    return Outbox(Spool(tmp_path / "spool", 8 * 1024 * 1024), clock)


@pytest.fixture
def publisher(kafka: FakeKafka, outbox: Outbox, clock: ManualClock) -> Publisher:
    return Publisher(
        outbox,
        kafka.connect,
        clock,
        prefix="leadline.",
        clusters=["orders", "users"],
        interval_s=1.0,
        signer=Signer(None, {"users": Secret("key-of-users")}),
    )


@asynccontextmanager
async def running(publisher: Publisher) -> AsyncIterator[None]:
    """A running publisher; on exit everything has been delivered."""
    task = asyncio.create_task(publisher.run())
    try:
        yield
        await asyncio.wait_for(publisher.drained(), 10)
    finally:
        task.cancel()
        await asyncio.wait({task})


def sample(seq: int, clock: ManualClock, cluster: str = "orders", **fields: Any) -> Sample:
    node = Node(name=NodeName("pg-1"), cluster=ClusterName(cluster), boot="b")
    return Sample(node=node, seq=seq, at=clock.now(), sent_at=clock.now(), up=True, **fields)


async def test_everything_arrives_under_its_cluster(publisher: Publisher, kafka: FakeKafka, clock: ManualClock) -> None:
    """Topic with the prefix, key the cluster, order as put."""
    async with running(publisher):
        for seq in range(1, 6):
            publisher.put(sample(seq, clock))
            publisher.put(sample(seq, clock, "users"))
            await asyncio.sleep(0)
    assert kafka.seqs(b"orders") == kafka.seqs(b"users") == [1, 2, 3, 4, 5]
    assert {topic for topic, *_ in kafka.taken} == {"leadline.samples"}
    assert kafka.open == 0


async def test_each_cluster_is_signed_with_its_key(publisher: Publisher, kafka: FakeKafka, clock: ManualClock) -> None:
    """The mark of a late record stays the last header."""
    publisher.put(sample(1, clock, "users"))
    publisher.put(sample(1, clock, "orders"))
    clock.advance(2.5)
    async with running(publisher):
        pass
    assert kafka.headers[b"users"][-2:] == [SIGNATURE, SPOOLED]
    assert SIGNATURE not in kafka.headers[b"orders"]


async def test_kafka_may_come_late(publisher: Publisher, kafka: FakeKafka, clock: ManualClock) -> None:
    """Without Kafka or its certificates at the start, the agent waits for them."""
    kafka.refuses = [AWAY, UsageError("kafka.ssl.ca.location: cannot read it"), TimeoutError(), AWAY]
    async with running(publisher):
        publisher.put(sample(1, clock))
    assert kafka.seqs() == [1]


async def test_a_batch_that_failed_is_sent_again_before_what_follows(
    publisher: Publisher, kafka: FakeKafka, clock: ManualClock
) -> None:
    """Order per cluster holds over lost connections."""
    kafka.refuses = [AWAY]
    async with running(publisher):
        for seq in range(1, 4):
            publisher.put(sample(seq, clock))
            await asyncio.sleep(0)
        await asyncio.wait_for(publisher.drained(), 10)
        kafka.refuses = [AWAY, AWAY]
        for seq in range(4, 7):
            publisher.put(sample(seq, clock))
            await asyncio.sleep(0)
    assert kafka.seqs() == [1, 2, 3, 4, 5, 6]


async def test_a_lost_answer_repeats_the_batch_and_loses_nothing(
    publisher: Publisher, kafka: FakeKafka, outbox: Outbox, clock: ManualClock
) -> None:
    """A batch that may or may not be written is written again; readers drop repeats by boot and seq."""
    kafka.forgets_to_answer = 1
    publisher.put(sample(1, clock))
    publisher.put(sample(2, clock))
    async with running(publisher):
        pass
    assert kafka.seqs() == [1, 2, 1, 2]
    assert outbox.dropped == 0


async def test_a_record_that_is_sent_late_is_marked(publisher: Publisher, kafka: FakeKafka, clock: ManualClock) -> None:
    """The last header distinguishes an old record from a wrong clock."""
    publisher.put(sample(1, clock))
    clock.advance(2.5)
    publisher.put(sample(2, clock))
    async with running(publisher):
        pass
    assert [(seq, late) for _, _, seq, late in kafka.taken] == [(1, True), (2, False)]


async def test_a_backlog_goes_in_batches(publisher: Publisher, kafka: FakeKafka, clock: ManualClock) -> None:
    """After an outage many records share a round trip."""
    for seq in range(1200):
        publisher.put(sample(seq, clock))
    async with running(publisher):
        pass
    assert kafka.seqs() == list(range(1200))
    assert len(kafka.batches) < 10


async def test_one_record_too_large_does_not_hold_up_the_rest(
    publisher: Publisher, kafka: FakeKafka, outbox: Outbox, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found by sending one at a time, then dropped, counted and logged; the next one has less.

    https://github.com/kafka-python-ng/kafka-python-ng/issues/4 (such messages are dropped without a word).
    """
    for seq in range(1, 6):
        publisher.put(sample(seq, clock, error="x" * 20_000 if seq == 3 else None))
    async with running(publisher):
        pass
    assert kafka.seqs() == [1, 2, 4, 5]
    assert outbox.dropped == 1
    assert publisher.refused_bytes > 20_000
    assert "Kafka refuses an observation" in caplog.text


async def test_an_outage_is_logged_once(
    publisher: Publisher, kafka: FakeKafka, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when Kafka goes, one when it is back."""
    caplog.set_level("INFO")
    kafka.refuses = [AWAY] * 5
    async with running(publisher):
        publisher.put(sample(1, clock))
    assert [record.getMessage() for record in caplog.records] == [
        "Kafka does not accept observations: KafkaConnectionError: nobody there; they are kept until it does",
        "Kafka accepts observations again",
    ]


async def test_a_batch_that_is_being_sent_at_a_stop_is_kept(
    publisher: Publisher, kafka: FakeKafka, outbox: Outbox, clock: ManualClock
) -> None:
    """Cancelling in the middle of a batch loses nothing."""
    begun = asyncio.Event()

    async def never(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    kafka.send = never  # type: ignore[method-assign]
    publisher.put(sample(1, clock))
    task = asyncio.create_task(publisher.run())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert len(outbox.take(b"orders")) == 1

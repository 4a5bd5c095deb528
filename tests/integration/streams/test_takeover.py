"""A worker that takes partitions over from one that still writes, on a real broker."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from leadline.kafka_claim import PartitionClaim
from leadline.wire import Outgoing
from leadline_streams.assembly import ClusterFactory
from leadline_streams.runtime import app
from leadline_streams.runtime.kafka_log import KafkaLog
from leadline_streams.runtime.partition import Partition
from leadline_streams.runtime.snapshot import Saved
from tests.fixtures.brokers import Broker
from tests.integration.streams.kit import CLOCK, PARTITIONS, Topics, producing, send
from tests.integration.streams.worker_main import QUICK
from tests.unit.streams import world
from tests.unit.streams.world import World

CLUSTER = "orders"


@pytest.fixture
def topics(apache_kafka: Broker, prefix: str) -> Topics:
    return Topics.create(apache_kafka, prefix)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Samples are of now again when the test has ended."""
    start = world.START
    yield
    world.START = start


async def test_what_an_earlier_owner_writes_until_it_is_shut_out_is_read(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was frozen with states to write. One that Kafka takes is what its successor goes on from; no other is taken.

    Were the states read before the partitions are claimed, the last of them would be followed by older ones.
    """
    settings = topics.settings()
    number, states = await judged(topics)
    earlier_base = AIOKafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", enable_idempotence=True)
    await earlier_base.start()
    earlier = await PartitionClaim(earlier_base, f"{settings.application_id}-{number}").take()

    async def write(applied: int) -> None:
        await (await earlier.send(Outgoing(f"{topics.prefix}state", CLUSTER.encode(), states[applied], [], number)))

    await write(1)
    refused: list[BaseException] = []
    claim = KafkaLog.claim

    async def interrupted(self: KafkaLog, *arguments: Any) -> Any:
        await write(2)
        claimed = await claim(self, *arguments)
        try:
            await write(max(states))
        except ProducerFenced as error:
            refused.append(error)
        return claimed

    monkeypatch.setattr(KafkaLog, "claim", interrupted)
    built, stop = app.build(settings, CLOCK, QUICK), asyncio.Event()
    restored: list[int] = []
    take_up = built.worker._restorer.take_up

    async def noted(at: int, position: int, clusters: Any, lost: Any) -> Partition:
        restored.extend(saved.applied for saved in clusters.values())
        return await take_up(at, position, clusters, lost)

    monkeypatch.setattr(built.worker._restorer, "take_up", noted)
    working = asyncio.create_task(app.work(built, CLOCK, stop))
    try:
        async with asyncio.timeout(90):
            while not working.done() and len(built.worker.committable()) < PARTITIONS:
                await CLOCK.sleep(0.1)
    finally:
        stop.set()
        await working
        await earlier_base.stop()
    assert len(refused) == 1
    assert restored == [2]
    written = [record for record in (await topics.read("state"))[number] if record.value is not None]
    applied = [Saved.unpack(record.value).applied for record in written]
    assert applied == sorted(applied)


async def judged(topics: Topics) -> tuple[int, dict[int, bytes]]:
    """The partition of a cluster of which samples are in the topic, and its states by the records that are applied."""
    world.START = CLOCK.now()
    pair = World(CLUSTER)
    pair.pair()
    async with producing(topics) as producer:
        for seconds in range(3):
            for server in pair.servers.values():
                await send(producer, topics, server.sample(float(seconds)))
    ((number, records),) = (await topics.read("samples")).items()
    states = {}
    for count in range(1, len(records) + 1):
        folded = Partition(number, 0, ClusterFactory(QUICK), {}, flush_s=0.0)
        folded.fold(records[:count], 0.0)
        (cluster,) = folded.clusters.values()
        states[count] = folded.dump(cluster, 0.0)
    return number, states

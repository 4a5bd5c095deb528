"""The producer of a partition's owner on a real broker: what an earlier owner still writes is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerFenced

from leadline.kafka_claim import TURNS_TO_SEND, PartitionClaim
from leadline.wire import Outgoing
from tests.fixtures.brokers import Broker
from tests.integration.streams.kit import Topics

OUTPUTS = ("alerts", "incidents", "status", "state")

Claims = Callable[[str], AbstractAsyncContextManager[PartitionClaim]]


@pytest.fixture
def topics(apache_kafka: Broker, prefix: str) -> Topics:
    return Topics.create(apache_kafka, prefix)


@pytest.fixture
def owner(topics: Topics) -> Claims:
    """Each owner is another process: it has connections of its own."""

    @asynccontextmanager
    async def claimed(name: str) -> AsyncIterator[PartitionClaim]:
        base = AIOKafkaProducer(bootstrap_servers=topics.bootstrap, acks="all", enable_idempotence=True)
        await base.start()
        claim = PartitionClaim(base, f"{topics.prefix}{name}")
        try:
            yield await claim.take()
        finally:
            await claim.close()
            await base.stop()

    return claimed


async def write(owner: PartitionClaim, topics: Topics, name: str, value: str) -> None:
    """One record of one key."""
    await (await owner.send(Outgoing(topics.prefix + name, b"orders", value.encode(), [], 0)))


async def written(topics: Topics, name: str) -> list[str]:
    return [record.value.decode() for record in (await topics.read(name)).get(0, [])]


async def test_an_owner_writes_nothing_after_its_successor(topics: Topics, owner: Claims) -> None:
    """Of its own partition; of others it may be the owner. The successor's is the last in each topic."""
    async with owner("0") as first, owner("1") as other, owner("0") as second:
        for name in OUTPUTS:
            await write(first, topics, name, "of the first, on its way before the second wrote anything")
            await write(second, topics, name, "of the second")
            with pytest.raises(ProducerFenced):
                await write(first, topics, name, "too late")
            with pytest.raises(ProducerFenced):
                await (await first.send_together([Outgoing(topics.prefix + name, b"orders", b"too late", [], 0)]))
            await write(other, topics, name, "of another partition")
            await write(second, topics, name, "of the second, again")
        for name in OUTPUTS:
            assert await written(topics, name) == [
                "of the first, on its way before the second wrote anything",
                "of the second",
                "of another partition",
                "of the second, again",
            ]


async def test_a_record_is_on_its_way_after_some_turns_of_the_loop(topics: Topics, owner: Claims) -> None:
    """No later, or what is judged next delays an alert; and no sooner, or the turns are waste."""
    async with owner("0") as claim:
        await write(claim, topics, "alerts", "the first finds the leader of the partition")
        connections = claim._base.client._conns.values()
        sent = await claim.send(Outgoing(f"{topics.prefix}alerts", b"orders", b"the second", [], 0))
        under_way = []
        for _ in range(TURNS_TO_SEND):
            await asyncio.sleep(0)
            under_way.append(any(connection._requests for connection in connections))
        assert under_way == [False] * (TURNS_TO_SEND - 1) + [True]
        await sent


async def test_an_owner_that_renews_its_claim_goes_on(topics: Topics, owner: Claims) -> None:
    """Nothing is lost or reordered while it writes, and its successor shuts it out as before."""
    sent: list[Any] = []
    async with owner("0") as first, owner("0") as second:
        for number in range(200):
            record = Outgoing(f"{topics.prefix}alerts", b"orders", str(number).encode(), [], 0)
            sent.append(
                await second.send(
                    record,
                )
            )
            if number % 50 == 49:
                await second.renew()
        for each in sent:
            await each
        assert await written(topics, "alerts") == [str(number) for number in range(200)]
        with pytest.raises(ProducerFenced):
            await write(first, topics, "alerts", "too late")
        async with owner("0") as third:
            await write(third, topics, "alerts", "of the third")
            with pytest.raises(ProducerFenced):
                await write(second, topics, "alerts", "too late")

"""The broker in memory, spoken to by the client that Leadline uses."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from leadline.errors import UnreachableError, UsageError
from leadline_lab.sandbox.broker import EmbeddedBroker


@asynccontextmanager
async def producing(broker: EmbeddedBroker) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def consuming(broker: EmbeddedBroker, topic: str, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        # A group's next member waits for its predecessor's session to end, less a second.
        session_timeout_ms=1500,
        heartbeat_interval_ms=300,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def take(consumer: AIOKafkaConsumer, count: int) -> set[bytes]:
    return {(await consumer.getone()).value for _ in range(count)}


async def test_a_topic_has_the_partitions_asked_for_and_else_four(broker: EmbeddedBroker) -> None:
    broker.create_topic("asked", partitions=12)
    async with producing(broker) as producer:
        assert len(await producer.partitions_for("asked")) == 12
        assert len(await producer.partitions_for("not-asked")) == 4


def test_a_topic_is_created_once(broker: EmbeddedBroker) -> None:
    broker.create_topic("once")
    with pytest.raises(UnreachableError, match="Topic already exists"):
        broker.create_topic("once")


async def test_every_group_gets_every_record_and_continues_after_its_commit(broker: EmbeddedBroker) -> None:
    broker.create_topic("groups", partitions=3)
    async with producing(broker) as producer:
        for number in range(9):
            await producer.send_and_wait("groups", b"%d" % number, key=b"%d" % number)
        numbers = {b"%d" % number for number in range(9)}
        async with consuming(broker, "groups", "one") as one, consuming(broker, "groups", "two") as two:
            assert await take(one, 9) == numbers
            assert await take(two, 9) == numbers
            await one.commit()
        await producer.send_and_wait("groups", b"last")
        async with consuming(broker, "groups", "one") as one, consuming(broker, "groups", "two") as two:
            assert await take(one, 1) == {b"last"}
            assert await take(two, 10) == {*numbers, b"last"}


async def test_what_is_sent_while_the_broker_is_down_arrives_when_it_is_up() -> None:
    with EmbeddedBroker() as broker:
        broker.create_topic("outage", partitions=1)
        async with producing(broker) as producer, consuming(broker, "outage", "group") as consumer:
            await producer.send_and_wait("outage", b"before")
            assert await take(consumer, 1) == {b"before"}
            broker.down()
            sent = await producer.send("outage", b"during")
            broker.up()
            await sent
            assert await take(consumer, 1) == {b"during"}


def test_brokers_live_side_by_side_and_close_twice() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as two:
        assert one.bootstrap != two.bootstrap
        one.create_topic("same")
        two.create_topic("same")
        one.close()


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(UsageError, match=r"pip install 'leadline\[watch\]'"):
        EmbeddedBroker()

"""The feed reads what the topics have, follows them, and notices when Kafka does not answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaProducer

from leadline.clock import SystemClock
from leadline.kafka import producer_options
from leadline.settings.common import KafkaSettings
from leadline.topic_specs import TOPICS
from leadline.wire import STATUS, Outgoing, outgoing, tombstone
from leadline_console import feed as feeds
from leadline_console.feed import Feed
from leadline_console.read_model import Folded, ReadModel
from leadline_lab.sandbox.broker import EmbeddedBroker
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.console_story import STALLED, rollups, story
from tests.fixtures.console_values import link


async def until(check: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Return as soon as this holds."""
    async with asyncio.timeout(timeout_s):
        while not check():
            await SystemClock().sleep(0.05)


async def write(kafka: KafkaSettings, *records: Outgoing) -> None:
    producer = AIOKafkaProducer(**producer_options(kafka, "test"))
    await producer.start()
    try:
        for each in records:
            await producer.send(each.topic, each.value, each.key, headers=each.headers)
        await producer.flush()
    finally:
        await producer.stop()


@asynccontextmanager
async def feeding(kafka: KafkaSettings) -> AsyncIterator[ReadModel]:
    model = ReadModel()
    task = asyncio.create_task(Feed(kafka, model, SystemClock()).run())
    try:
        yield model
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def addressed(kafka: KafkaSettings, *values: Folded) -> list[Outgoing]:
    return [outgoing(value, kafka.topic_prefix) for value in values]


async def test_the_model_is_what_the_topics_have(any_broker: Broker, prefix: str) -> None:
    await asyncio.to_thread(create_topics, any_broker, prefix, 3)
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    await write(kafka, *addressed(kafka, *story()))
    async with feeding(kafka) as model:
        await until(lambda: model.feed.is_complete)
        assert len(model.links) == 13
        assert len(model.open_incidents) == 1
        assert len(model.alerts) == 2
        assert STALLED in model.lags
        broken = Outgoing(f"{prefix}status", b"x", b"no JSON", [])
        gone = tombstone(STATUS, STALLED, prefix)
        new = link("orders", "pg-1", "pg-7", verdict="broken")
        await write(kafka, broken, gone, *addressed(kafka, new))
        await until(lambda: new.link in model.links and STALLED not in model.links)
        assert not model.feed.is_stale(SystemClock().monotonic())


async def test_a_broker_that_is_away_is_noticed_and_reading_goes_on_after_it() -> None:
    with EmbeddedBroker() as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap)
        for name in TOPICS:
            broker.create_topic(kafka.topic_prefix + name, 1)
        await write(kafka, *addressed(kafka, link("orders", "pg-1", "pg-2")))
        async with feeding(kafka) as model:
            await until(lambda: model.feed.is_complete)
            broker.down()
            await until(lambda: model.feed.is_stale(SystemClock().monotonic()))
            broker.up()
            await until(lambda: not model.feed.is_stale(SystemClock().monotonic()))
            await write(kafka, *addressed(kafka, link("orders", "pg-1", "pg-3")))
            await until(lambda: len(model.links) == 2)


async def test_a_console_that_starts_without_kafka_waits_for_it() -> None:
    with EmbeddedBroker() as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap)
        for name in TOPICS:
            broker.create_topic(kafka.topic_prefix + name, 1)
        broker.down()
        async with feeding(kafka) as model:
            await until(lambda: bool(model.feed.problem))
            assert broker.bootstrap in model.feed.problem
            broker.up()
            await until(lambda: model.feed.is_complete and not model.feed.problem)


async def test_a_long_past_is_left_out() -> None:
    """Of a topic that is not compacted, the newest records are read."""
    with EmbeddedBroker() as broker:
        kafka = KafkaSettings(bootstrap=broker.bootstrap)
        for name in TOPICS:
            broker.create_topic(kafka.topic_prefix + name, 1)
        values = rollups("orders", "pg-1", "pg-2", 1.0, hours=1)[:60]
        await write(kafka, *addressed(kafka, *values))
        model = ReadModel()
        feed = Feed(kafka, model, SystemClock(), past_records=feeds.PAST_RECORDS | {"lag": 10})
        task = asyncio.create_task(feed.run())
        await until(lambda: model.feed.is_complete)
        task.cancel()
        history = model.lags.get(STALLED)
        assert history is not None
        assert model.version == 10
        assert model.lags_from == values[50].end

"""`leadline explain` from Kafka: samples, and what the sinks wrote."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer

from leadline.kafka import producer_options, publish
from leadline.model.delivery import Delivery
from leadline.model.ids import IncidentId
from leadline.settings.common import KafkaSettings
from tests.fixtures.brokers import Broker
from tests.fixtures.commands import Run
from tests.unit.streams import world
from tests.unit.streams.explain.recorded import Behind, Film, streams


async def produce(kafka: KafkaSettings, film: Film) -> None:
    """Ticks have no key, and go where the samples of the cluster are."""
    producer = AIOKafkaProducer(**producer_options(kafka, "test"))
    await producer.start()
    try:
        partition: int | None = None
        for record in film.records:
            sending = await producer.send(
                kafka.topic_prefix + "samples",
                record.value,
                key=record.key,
                partition=partition if record.key is None else None,
                headers=record.headers,
                timestamp_ms=record.timestamp_ms,
            )
            partition = partition if partition is not None else (await sending).partition
        await producer.flush()
    finally:
        await producer.stop()


@pytest.fixture
def kafka(any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """A standby that has stopped to replay a minute ago, in a topic of three partitions."""
    for topic in ("samples", "incidents", "deliveries", "actions", "silences"):
        any_broker.create_topic(prefix + topic, 3)  # keeps the times of records, which are a minute old
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    monkeypatch.setattr(world, "START", datetime.now(UTC) - timedelta(seconds=95))
    kafka = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    asyncio.run(produce(kafka, Film().run(30, streams).run(60, Behind())))
    return kafka


def test_who_was_notified_is_read_from_the_topics(run: Run, kafka: KafkaSettings) -> None:
    """The answer names the incident, a silence of it, and the target that was notified."""
    result = run("explain", "orders/pg-1->pg-2", "--format", "json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert found["outcome"] == "fires", found["answer"]
    assert found["sent"] == []
    assert "no delivery" in found["answer"]
    incident = IncidentId(found["incidents"][0]["incident_id"])
    delivery = Delivery(
        incident_id=incident,
        target="ops-slack",
        sink="slack",
        outcome="sent",
        at=datetime.now(UTC),
        seq=1,
        occasion="opened",
        severity="warning",
        state="open",
    )
    asyncio.run(publish(kafka, "test", delivery))
    printed = " ".join(run("explain", "pg-1->pg-2", "--cluster", "orders").out.split())
    assert f"ops-slack was notified of {incident}" in printed
    assert "Notified" in printed


def test_a_time_before_the_samples_says_that_nothing_was_read(run: Run, kafka: KafkaSettings) -> None:
    """Instead of calling it healthy."""
    result = run("explain", "orders/pg-1->pg-2", "--at", "2020-01-01")
    assert (result.code, result.out) == (2, "")
    assert "no observation of its cluster was read" in result.err

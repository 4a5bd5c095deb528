"""`leadline nodes`, over each broker."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaProducer

from leadline.kafka import producer_options, publish
from leadline.model.ids import ClusterName, NodeName, node_id
from leadline.model.retirement import Retirement
from leadline.model.status import NodeHealth, NodeStatus
from leadline.settings.common import KafkaSettings
from leadline.topic_table import latest
from leadline.wire import OBSERVATIONS, STATUS
from leadline_streams.runtime.cluster_failure import ClusterFailure
from tests.fixtures import unreadable
from tests.fixtures.brokers import Broker, create_topics
from tests.fixtures.commands import Run

AT = datetime(2026, 4, 10, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kafka(any_broker: Broker, prefix: str, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """Topics of its own, in the environment; pg-1 answers and pg-2 is silent."""
    create_topics(any_broker, prefix, 3)
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", any_broker.bootstrap)
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", prefix)
    settings = KafkaSettings(bootstrap=any_broker.bootstrap, topic_prefix=prefix)
    asyncio.run(judged(settings, "pg-1", "up"))
    asyncio.run(judged(settings, "pg-2", "silent"))
    return settings


async def judged(kafka: KafkaSettings, name: str, health: NodeHealth) -> None:
    status = NodeStatus(
        cluster=ClusterName("orders"),
        datacenter="fra1",
        node=NodeName(name),
        engine="postgresql",
        version="18.1",
        role="standby",
        health=health,
        since=AT,
        at=AT,
    )
    await publish(kafka, "test", status)


async def forget(kafka: KafkaSettings, name: str) -> None:
    """Write the tombstone of a worker that has forgotten a node."""
    async with AIOKafkaProducer(**producer_options(kafka, "test")) as producer:
        await producer.send_and_wait(kafka.topic_prefix + STATUS.name, None, node_id("orders", name).encode())


def retirements(kafka: KafkaSettings) -> list[Retirement]:
    found = asyncio.run(latest(kafka, OBSERVATIONS, "test")).values()
    return [each for each in found if isinstance(each, Retirement)]


def test_a_node_is_retired_once(run: Run, kafka: KafkaSettings) -> None:
    """The record is keyed by its cluster; when the node is forgotten, the command reports that."""
    done = run("nodes", "retire", "orders", "pg-2", "--by", "ann")
    assert (done.code, done.out) == (0, "pg-2 in orders is retired by ann: its alerts end now\n"), done.err
    (written,) = retirements(kafka)
    assert (written.cluster, written.node, written.by) == ("orders", "pg-2", "ann")
    asyncio.run(forget(kafka, "pg-2"))
    again = run("nodes", "retire", "orders", "pg-2")
    assert (again.code, again.out) == (0, "pg-2 in orders is forgotten already\n"), again.err
    assert retirements(kafka) == [written]
    listed = run("nodes", "list", "--format", "json")
    assert [json.loads(line)["name"] for line in listed.out.splitlines()] == ["pg-1"]


@pytest.mark.parametrize(
    ("cluster", "node", "message"),
    [
        ("order", "pg-2", "there is no cluster 'order'; did you mean orders?"),
        ("orders", "pg-22", "there is no node 'pg-22' in orders; did you mean pg-2?"),
        ("orders", "db", "there is no node 'db' in orders; nodes: pg-1, pg-2"),
        ("orders", "pg-1", "pg-1 in orders is up, and a node that answers is not forgotten"),
    ],
)
def test_what_cannot_be_retired(run: Run, kafka: KafkaSettings, cluster: str, node: str, message: str) -> None:
    refused = run("nodes", "retire", cluster, node)
    assert refused.code == 2
    assert message in refused.err
    assert retirements(kafka) == []


def test_a_list_that_is_not_whole_says_so(run: Run, kafka: KafkaSettings) -> None:
    """Nodes beyond the limit of a cluster have no status. A batch that the client cannot read hides no other."""

    async def write() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            for partition in range(3):
                await unreadable.header(producer, f"{kafka.topic_prefix}status", partition)
        failure = ClusterFailure.begin("orders", AT.timestamp()).noted("limit_reached", "5000 nodes", AT.timestamp())
        assert failure.incident is not None
        await publish(kafka, "test", failure.incident)

    asyncio.run(write())
    listed = run("nodes", "list", "--cluster", "orders")
    assert (listed.code, len(listed.out.splitlines())) == (0, 3), listed.out
    assert listed.err == "not judged: orders: 5000 nodes\n"
    assert run("nodes", "list", "--cluster", "other").err == ""

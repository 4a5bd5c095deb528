"""Many servers under the name of one cluster, before a real Apache Kafka: their state is a large record."""

import asyncio
import secrets
from pathlib import Path

import pytest

from leadline.errors import ExitCode
from leadline.model.activity import Activity, Session
from leadline_streams.judge.state import load
from leadline_streams.runtime.snapshot import Saved
from tests.fixtures.brokers import Broker
from tests.integration.streams.kit import CLOCK, PARTITIONS, Topics, Worker, at_work, caught_up, producing, send
from tests.unit.streams import world
from tests.unit.streams.world import World
from tests.wild.conftest import Wild

SOURCES = ("fluvio#4633", "Apicurio/apicurio-registry#889")
MEBIBYTE = 1024 * 1024
NODES = 400
LOOKS = 6


def queries() -> tuple[Session, ...]:
    """Sessions with texts that do not compress well, so that the state is large."""
    return tuple(
        Session(pid=number, user="shop", application="web", database="shop", state="active", age_s=1.0, query=text)
        for number, text in enumerate(secrets.token_hex(900) for _ in range(4))
    )


async def watch(topics: Topics, log: Path) -> dict[str, Saved]:
    """Judge a cluster of very many servers beside a small one; the newest state of each cluster."""
    settings = topics.settings(flush_s=1.0)
    large, small = World("everything"), World("orders")
    for number in range(NODES):
        large.add(f"pg-{number}", "primary").set(activity=Activity(oldest=queries()))
    small.pair()
    with Worker(settings, log) as worker:
        await at_work(topics, worker)
        async with producing(topics) as producer:
            world.START, begin = CLOCK.now(), CLOCK.monotonic()
            for _ in range(LOOKS):
                for each in (large, small):
                    for server in each.servers.values():
                        await send(producer, topics, server.sample(CLOCK.monotonic() - begin))
                await CLOCK.sleep(1.0)
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    found = [record for records in (await topics.read("state")).values() for record in records]
    return {record.key.decode(): Saved.unpack(record.value) for record in found if record.value is not None}


@pytest.mark.situation(23, "Four hundred servers under one cluster name", *SOURCES)
def test_a_state_of_megabytes_is_saved(wild: Wild, apache_kafka: Broker, prefix: str, tmp_path: Path) -> None:
    """And read again."""
    saved = asyncio.run(watch(Topics.create(apache_kafka, prefix), tmp_path / "worker.log"))
    assert len(saved["everything"].pack()) > MEBIBYTE
    assert len(load(saved["everything"].state).nodes) == NODES
    assert "orders" in saved
    wild.answers("both clusters are judged, and their states saved")


@pytest.mark.situation(23, "A cluster whose state is larger than the topic takes", *SOURCES)
def test_a_state_that_kafka_refuses_stops_no_other(
    wild: Wild, apache_kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    """The topic was created by hand, with Kafka's default. It is reported, with the setting."""
    log = tmp_path / "worker.log"
    apache_kafka.create_topic(f"{prefix}state", PARTITIONS)
    saved = asyncio.run(watch(Topics.create(apache_kafka, prefix), log))
    assert "orders" in saved
    assert "the state of cluster everything is not saved" in log.read_text()
    assert f"raise max.message.bytes of {prefix}state" in log.read_text()
    wild.answers("the other cluster is judged; the state that is too large is named, with the setting to raise")

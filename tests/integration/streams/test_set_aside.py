"""A worker as a process, and a cluster that would have ended it: it is set aside, people are notified, others go on."""

from pathlib import Path
from typing import Any

import pytest

from leadline.errors import ExitCode
from leadline.model.incident import Incident
from leadline.wire import INCIDENTS, MAX_RECORD_BYTES, encode, outgoing
from leadline_streams.runtime.cluster_failure import RULE
from tests.fixtures import unreadable
from tests.fixtures.brokers import Broker
from tests.integration.streams.kit import CLOCK, Topics, Worker, caught_up, producing
from tests.unit.streams import crowds, world
from tests.unit.streams.world import World


@pytest.fixture
def topics(any_broker: Broker, prefix: str) -> Topics:
    return Topics.create(any_broker, prefix)


async def everything(topics: Topics, name: str) -> list[Any]:
    """The records of a topic."""
    return [record for found in (await topics.read(name)).values() for record in found]


async def incidents(topics: Topics) -> list[Incident]:
    """As a sink reads them: larger ones would be refused."""
    return [INCIDENTS.decode(record.value) for record in await everything(topics, INCIDENTS.name)]


async def test_unreadable_records_and_states_stop_nobody(topics: Topics, tmp_path: Path) -> None:
    """Neither a header that is no text, nor a letter larger than Kafka takes, nor a state of another version."""
    settings, samples = topics.settings(), f"{topics.prefix}samples"
    world.START = CLOCK.now()
    good = World("billing").add("pg-1", "primary")
    async with producing(topics) as producer:
        await producer.send_and_wait(f"{topics.prefix}state", b"\x63 of another version", b"orders")
        for partition in await producer.partitions_for(samples):
            tick = b'{"kind":"tick","at":"2026-04-10T10:00:00Z"}'
            await producer.send_and_wait(samples, tick, partition=partition)
        await unreadable.header(producer, samples, 0)
        await producer.send_and_wait(samples, b"{", b"orders", headers=[("long", b"x" * 900_000)])
        await producer.send_and_wait(samples, encode(good.sample(0.0)), b"billing")
    with Worker(settings, tmp_path / "worker") as worker:
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    opened = {found.cluster: found for found in await incidents(topics) if found.rules == [RULE]}
    assert opened["orders"].causes[0].code == "state_unreadable"
    letters = await everything(topics, "deadletters")
    assert any(letter.value == b"\x63 of another version" for letter in letters)
    details = [dict(letter.headers)["leadline-deadletter-detail"] for letter in letters]
    assert any(b"UnicodeDecodeError" in detail for detail in details)
    assert b"billing" in {record.key for record in await everything(topics, "state")}


@pytest.mark.slow
async def test_an_incident_of_very_many_servers_reaches_its_readers(topics: Topics, tmp_path: Path) -> None:
    """Thousands of primaries of one system: what is to be shown of them is larger than readers take."""
    settings, samples = topics.settings(), f"{topics.prefix}samples"
    world.START = CLOCK.now()
    crowd = crowds.rivals(2000)
    async with producing(topics) as producer:
        for second in range(8):
            for place, server in enumerate(crowd.servers.values()):
                record = outgoing(server.sample(second + 0.4 * place / 2000 - 8), topics.prefix)
                await producer.send(samples, record.value, record.key)
            await producer.flush()
    with Worker(settings, tmp_path / "worker") as worker:
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    found = await incidents(topics)
    assert any("split_brain" in each.rules for each in found)
    assert all(len(record.value) <= MAX_RECORD_BYTES for record in await everything(topics, INCIDENTS.name))

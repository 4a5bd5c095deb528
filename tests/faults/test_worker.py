"""Stream workers killed, frozen, joining and leaving: what they say is what one uninterrupted fold says.

The worker is `leadline stream` with a session of 2 s instead of 10, so that its partitions are not idle for long.
"""

import asyncio
import signal
from pathlib import Path
from random import Random

import pytest
from confluent_kafka.admin import AdminClient

from leadline.errors import ExitCode
from leadline.settings.stream import StreamSettings
from tests.faults import account
from tests.faults.account import Judgements, LastRecords, Observations
from tests.faults.conftest import Report
from tests.faults.load import Load
from tests.fixtures.brokers import create_topics
from tests.fixtures.kafka import Kafka
from tests.integration.streams.kit import CLOCK, Topics, Worker, at_work, caught_up, has_all, ticking
from tests.integration.streams.worker_main import QUICK

pytestmark = pytest.mark.timeout(600)

KILLS = 5
FREEZES = 4


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


async def counted(topics: Topics, load: Load, settings: StreamSettings) -> tuple[Observations, Judgements, LastRecords]:
    """Everything, when the last worker has ended."""
    judged = {number: offset for number, (offset, _) in (await topics.committed(settings)).items()}
    return (
        await account.observations(topics, load.made),
        await account.judgements(topics, judged, QUICK),
        await account.last_records(topics),
    )


async def test_killed_at_random_instants(topics: Topics, tmp_path: Path, log: Path, report: Report) -> None:
    settings, random, load = topics.settings(), Random(11), Load(topics, tmp_path, 11)
    async with load.running():
        for _ in range(KILLS):
            with Worker(settings, log) as worker:
                await at_work(topics, worker)
                await CLOCK.sleep(random.uniform(0.0, 3.0))
                worker.signal(signal.SIGKILL)
    with Worker(settings, log) as worker:
        await caught_up(topics, settings)
        assert await worker.stop() == ExitCode.OK
    report("worker_killed", KILLS, *await counted(topics, load, settings))


async def test_partitions_that_move(topics: Topics, tmp_path: Path, log: Path, report: Report) -> None:
    """Workers join, leave and die; one is frozen until it has lost its partitions, then wakes and goes on."""
    settings, load = topics.settings(), Load(topics, tmp_path, 12)
    with Worker(settings, log) as first:
        async with load.running():
            await at_work(topics, first)
            with Worker(settings, log) as second:
                await at_work(topics, second)
                await CLOCK.sleep(2)
                first.signal(signal.SIGSTOP)
                await CLOCK.sleep(4)
                first.signal(signal.SIGCONT)
                await CLOCK.sleep(3)
                assert await second.stop() == ExitCode.OK
            with Worker(settings, log) as third:
                await at_work(topics, third)
                await CLOCK.sleep(2)
                third.signal(signal.SIGKILL)
                await CLOCK.sleep(3)
        await caught_up(topics, settings)
        assert await first.stop() == ExitCode.OK
    report("workers_moving", 5, *await counted(topics, load, settings))


async def test_a_spare_worker_is_there_when_it_is_needed(
    kafka: Kafka, prefix: str, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no partition for longer than Kafka's client waits for somebody to ask for records; then the other is gone.

    https://github.com/aio-libs/aiokafka/issues/720, https://github.com/aio-libs/aiokafka/issues/1187
    """
    monkeypatch.setenv("LEADLINE_TEST_MAX_POLL_S", "6")
    await asyncio.to_thread(create_topics, kafka, prefix, 1)
    topics = Topics(kafka.bootstrap, prefix)
    settings = topics.settings()
    with Worker(settings, log) as first:
        await ticking(topics, f":{first.pid}", partitions=1)
        with Worker(settings, log) as spare:
            async with asyncio.timeout(60):
                while members(kafka.bootstrap, settings.application_id) != 2:
                    await CLOCK.sleep(0.5)
            await CLOCK.sleep(15.0)
            assert members(kafka.bootstrap, settings.application_id) == 2
            first.signal(signal.SIGKILL)
            await ticking(topics, f":{spare.pid}", partitions=1)
            assert await spare.stop() == ExitCode.OK


def members(bootstrap: str, group: str) -> int:
    """Number of members of a consumer group."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    return len(admin.describe_consumer_groups([group])[group].result().members)


async def test_frozen_while_another_takes_over(topics: Topics, tmp_path: Path, log: Path, report: Report) -> None:
    """Nothing that it had still to write when it was frozen becomes the last record of its key."""
    settings, random, load = topics.settings(), Random(13), Load(topics, tmp_path, 13)
    with Worker(settings, log) as a, Worker(settings, log) as b:
        async with load.running():
            await at_work(topics, a)
            await at_work(topics, b)
            for number in range(FREEZES):
                frozen, other = (a, b) if number % 2 else (b, a)
                await CLOCK.sleep(random.uniform(1.0, 2.0))
                frozen.signal(signal.SIGSTOP)
                await has_all(topics, other)
                await CLOCK.sleep(settings.flush_s)
                frozen.signal(signal.SIGCONT)
                await at_work(topics, frozen)
        await caught_up(topics, settings)
        assert (await a.stop(), await b.stop()) == (ExitCode.OK, ExitCode.OK)
        counts = await counted(topics, load, settings)
    report("workers_frozen", FREEZES, *counts)

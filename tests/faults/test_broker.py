"""Brokers restarted, killed, frozen and away, while agents and a worker go on. The worker is `leadline stream`."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leadline.settings.stream import RuleOverride
from leadline_streams.assembly import policy_of
from leadline_streams.rules import RULES
from tests.faults import account
from tests.faults.conftest import Report
from tests.faults.load import Load, Service
from tests.fixtures.brokers import create_topics
from tests.fixtures.kafka import Kafka
from tests.integration.streams.kit import CLOCK, PARTITIONS, Topics, caught_up, ticking

pytestmark = pytest.mark.timeout(600)

QUICK = {"for_s": 1.0, "keep_s": 1.0}
AWAY_S = 60.0
"""Long enough that a worker may end, as it does after a minute without records, to be started again by its service."""
FROZEN_S = 15.0
"""Longer than an agent waits for an answer before it sends again."""
ONE_AWAY_S = 8.0
CATCH_UP_S = 180.0
"""Time enough for a worker that receives nothing to end and to be started again."""

Fault = Callable[[Kafka], Awaitable[object]]


async def restart(kafka: Kafka) -> None:
    await asyncio.to_thread(kafka.down, signal.SIGTERM)
    await asyncio.to_thread(kafka.up)


async def kill(kafka: Kafka) -> None:
    await asyncio.to_thread(kafka.down, signal.SIGKILL)
    await asyncio.to_thread(kafka.up)


async def away(kafka: Kafka) -> None:
    await asyncio.to_thread(kafka.down, signal.SIGKILL)
    await CLOCK.sleep(AWAY_S)
    await asyncio.to_thread(kafka.up)


async def freeze(kafka: Kafka) -> None:
    kafka.nodes[0].freeze()
    await CLOCK.sleep(FROZEN_S)
    kafka.nodes[0].thaw()


async def kill_one(kafka: Kafka) -> None:
    node = kafka.nodes[0]
    await asyncio.to_thread(node.end, signal.SIGKILL)
    await CLOCK.sleep(ONE_AWAY_S)
    node.launch()
    await asyncio.to_thread(kafka.wait_ready)


async def suffer(kafka: Kafka, topics: Topics, fault: Fault, name: str, folder: Path, report: Report) -> None:
    """Let it happen in the midst of work; then account for everything."""
    settings = topics.settings(rules={name: RuleOverride(**QUICK) for name in RULES})
    load = Load(topics, folder, 31)
    with Service("stream", on_file(topics), folder) as worker:
        async with worker.running():
            async with load.running():
                await ticking(topics)
                await CLOCK.sleep(4)
                await fault(kafka)
                await CLOCK.sleep(4)
            await caught_up(topics, settings, CATCH_UP_S)
        assert await asyncio.to_thread(worker.process.end, signal.SIGTERM) == 0, worker.process.log_tail()
    judged = {number: offset for number, (offset, _) in (await topics.committed(settings)).items()}
    report(
        name,
        1,
        await account.observations(topics, load.made),
        await account.judgements(topics, judged, policy_of(settings)),
        ended=worker.ended,
    )


def on_file(topics: Topics) -> dict[str, Any]:
    """The worker's settings, as an operator writes them."""
    return {
        "application_id": topics.settings().application_id,
        "kafka": {"bootstrap": topics.bootstrap, "topic_prefix": topics.prefix},
        "rules": dict.fromkeys(RULES, QUICK),
    }


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (restart, "broker_restarted"),
        (kill, "broker_killed"),
        (away, "broker_away"),
        (freeze, "broker_frozen"),
    ],
)
async def test_the_only_broker(
    kafka: Kafka, topics: Topics, fault: Fault, name: str, tmp_path: Path, report: Report
) -> None:
    """Acknowledged records stay; the others are sent again."""
    await suffer(kafka, topics, fault, name, tmp_path, report)


@pytest.fixture
def three() -> Iterator[Kafka]:
    """Three brokers."""
    with Kafka(brokers=3) as kafka:
        yield kafka


@pytest.fixture
def topics_on_three(three: Kafka, prefix: str) -> Topics:
    create_topics(three, prefix, PARTITIONS)
    return Topics(three.bootstrap, prefix)


async def test_one_of_three_brokers(three: Kafka, topics_on_three: Topics, tmp_path: Path, report: Report) -> None:
    """The other two go on without it."""
    await suffer(three, topics_on_three, kill_one, "one_of_three_killed", tmp_path, report)

"""An agent killed at random instants: what it had looked at arrives, and the next run sends it first."""

import signal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.port import Port
from leadline_lab.sandbox.wait import eventually
from tests.faults import account
from tests.faults.conftest import Report
from tests.faults.load import Process, looked
from tests.fixtures.fleets import Pair
from tests.fixtures.kafka import Kafka
from tests.integration.streams.kit import CLOCK, Topics

pytestmark = pytest.mark.timeout(600)

KILLS = 6
LOOKS = 5
"""Before it is killed; how many more is chance."""


async def test_killed_at_random_instants(
    topics: Topics, kafka: Kafka, pair: Pair, tmp_path: Path, report: Report
) -> None:
    """Every other time Kafka has been frozen for a while, so that nothing of that is acknowledged."""
    random, runs = Random(21), []
    with Port() as port:
        number = port.number
    settings = agent_settings(topics, pair, tmp_path, number)
    for kill in range(KILLS):
        with Process("agent", settings, tmp_path) as agent:
            eventually("the agent looks", lambda: min(looked(number).values(), default=0) >= LOOKS, 60.0)
            await CLOCK.sleep(random.uniform(0.0, 1.0))
            if kill % 2:
                kafka.nodes[0].freeze()
                await CLOCK.sleep(random.uniform(0.2, 1.5))
            runs.append(looked(number))
            agent.end(signal.SIGKILL)
            kafka.nodes[0].thaw()
    with Process("agent", settings, tmp_path) as agent:
        eventually("the agent looks", lambda: min(looked(number).values(), default=0) >= LOOKS, 60.0)
        runs.append(looked(number))
        assert agent.end(signal.SIGTERM) == 0, agent.log_tail()
    made = await account.made_by(topics, runs)
    report("agent_killed", KILLS, await account.observations(topics, made))


def agent_settings(topics: Topics, pair: Pair, folder: Path, port: int) -> dict[str, Any]:
    """Ten looks a second at each server."""
    servers = (pair.primary, pair.standby)
    return {
        "instances": [{"dsn": each.dsn(user=AGENT), "name": each.name, "cluster": "orders"} for each in servers],
        "interval_s": 0.1,
        "kafka": {"bootstrap": topics.bootstrap, "topic_prefix": topics.prefix},
        "spool": {"path": str(folder / "spool.sqlite3")},
        "metrics": {"port": port},
    }

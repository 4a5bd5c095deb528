"""Kafka is unreachable for a while: a failure of Leadline's own path, not of the servers that it watches."""

from collections.abc import Callable
from contextlib import aclosing

import pytest

from leadline.clock import SystemClock
from leadline.model.alert import Transition
from leadline.model.observation import Sample
from leadline.model.pg_vitals import PostgresqlVitals
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.fleet import AGENT
from leadline_streams.rules import RULES
from tests.fixtures.fleets import Pair

AWAY_S = 15.0
AFTER_S = 10.0
BEFORE = 10
"""Looks."""
SOON = {name: {"for_s": 5.0} for name in RULES}


class Followed:
    """The looks in the topics, and the rules that fired."""

    def __init__(self) -> None:
        self.looks: list[Sample | PostgresqlVitals] = []
        self.fired: list[str] = []

    async def read(self, pipeline: Pipeline, until: Callable[[list[Sample | PostgresqlVitals]], bool]) -> None:
        """Read everything from the beginning, until ``until`` holds of the looks."""
        self.looks, self.fired = [], []
        async with aclosing(pipeline.follow(("samples", "alerts"))) as batches:
            async for batch in batches:
                self.looks += [item for item in batch if isinstance(item, Sample | PostgresqlVitals)]
                self.fired += [item.rule for item in batch if isinstance(item, Transition) and item.to == "firing"]
                if until(self.looks):
                    return


@pytest.mark.control
async def test_kafka_away(pair: Pair) -> None:
    """Agents keep their samples on disk and deliver them later, and the judgement catches up without an alert."""
    servers = (pair.primary, pair.standby)
    instances = [{"name": one.name, "cluster": "zoo", "dsn": one.dsn(user=AGENT)} for one in servers]
    clock, followed = SystemClock(), Followed()
    with Pipeline() as pipeline:
        spool = {"path": str(pipeline.file("spool.sqlite3"))}
        pipeline.start("agent", {"instances": instances, "interval_s": 1.0, "spool": spool, "audit_every_s": 0.0})
        pipeline.start("stream", {"rules": SOON})
        await followed.read(pipeline, lambda looks: len(looks) >= BEFORE)
        pipeline.broker.down()
        await clock.sleep(AWAY_S)
        pipeline.broker.up()
        await followed.read(pipeline, lambda looks: len(looks) >= BEFORE + 2 * (AWAY_S + AFTER_S))
    assert followed.fired == []
    assert max(look.cost.spooled for look in followed.looks if look.cost) > AWAY_S
    for server in servers:
        numbers = [look.seq for look in followed.looks if _name(look) == server.name]
        assert sorted({*numbers, 2}) == list(range(1, max(numbers) + 1))  # the second is of the settings


def _name(look: Sample | PostgresqlVitals) -> str:
    return look.node if isinstance(look, PostgresqlVitals) else look.node.name

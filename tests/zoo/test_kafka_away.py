"""Kafka goes away and comes back: a trouble of the watch, not of what is watched."""

from collections.abc import Callable
from contextlib import aclosing

import pytest

from leadline.clock import SystemClock
from leadline.model.alert import Transition
from leadline.model.observation import Sample
from leadline_lab.pipeline import Pipeline
from leadline_lab.sandbox.fleet import AGENT
from leadline_streams.rules import RULES
from tests.fixtures.fleets import Pair

AWAY_S = 15.0
AFTER_S = 10.0
BEFORE = 10
"""Samples."""
SOON = {name: {"for_s": 5.0} for name in RULES}


class Story:
    """What is in the topics, and which rules fired."""

    def __init__(self) -> None:
        self.seen: list[Sample] = []
        self.fired: list[str] = []

    async def read(self, pipeline: Pipeline, until: Callable[[list[Sample]], bool]) -> None:
        """All from the beginning, until there are samples enough."""
        self.seen, self.fired = [], []
        async with aclosing(pipeline.follow()) as batches:
            async for batch in batches:
                self.seen += [item for item in batch if isinstance(item, Sample)]
                self.fired += [item.rule for item in batch if isinstance(item, Transition) and item.to == "firing"]
                if until(self.seen):
                    return


@pytest.mark.control
async def test_kafka_away(pair: Pair) -> None:
    """Agents keep what they see on disk, then deliver all of it, and the judgement that catches up finds nothing."""
    servers = (pair.primary, pair.standby)
    instances = [{"name": one.name, "cluster": "zoo", "dsn": one.dsn(user=AGENT)} for one in servers]
    clock, story = SystemClock(), Story()
    with Pipeline() as pipeline:
        spool = {"path": str(pipeline.file("spool.sqlite3"))}
        pipeline.start("agent", {"instances": instances, "interval_s": 1.0, "spool": spool})
        pipeline.start("stream", {"rules": SOON})
        await story.read(pipeline, lambda seen: len(seen) >= BEFORE)
        pipeline.broker.down()
        await clock.sleep(AWAY_S)
        pipeline.broker.up()
        await story.read(pipeline, lambda seen: len(seen) >= BEFORE + 2 * (AWAY_S + AFTER_S))
    assert story.fired == []
    assert max(sample.cost.spooled for sample in story.seen if sample.cost is not None) > AWAY_S
    for server in servers:
        numbers = [sample.seq for sample in story.seen if sample.node.name == server.name]
        assert sorted({*numbers, 2}) == list(range(1, max(numbers) + 1))  # the second is of the settings

"""A cluster that reaches a limit is judged within it, and people hear of what is beyond."""

from collections.abc import Callable
from typing import Any

import pytest

from leadline import metrics
from leadline.model.incident import Incident
from leadline.model.observation import Tick
from leadline_streams.assembly import ClusterFactory
from leadline_streams.judge import limits
from leadline_streams.judge.policy import Policy
from leadline_streams.runtime import gauges
from leadline_streams.runtime.partition import Partition
from tests.unit.streams import crowds
from tests.unit.streams.crowds import Crowd
from tests.unit.streams.memory_log import record
from tests.unit.streams.world import at

Play = Callable[[Crowd, int], list[Incident]]


@pytest.fixture
def play() -> Play:
    """Judges a crowd in a partition for so many seconds; returns the incidents about the judgement itself."""
    partition, offset = Partition(0, 0, ClusterFactory(Policy()), {}, 10.0), 0

    def played(world: Crowd, seconds: int) -> list[Incident]:
        nonlocal offset
        found: list[Any] = []
        for _ in range(seconds):
            world.time += 1.0
            for server in world.servers.values():
                found += partition.fold([record(server.sample(world.time), offset)], 0.0).outputs
                offset += 1
            found += partition.fold([record(Tick(at=at(world.time + 0.5)), offset)], 0.0).outputs
            offset += 1
        if partition.clusters:
            (cluster,) = partition.clusters.values()
            world.state = cluster.fold  # type: ignore[assignment]
        own = [output for _, output in found if isinstance(output, Incident) and output.rules == ["judgement_failing"]]
        return own

    return played


def named(incident: Incident) -> str:
    """The things that it names as beyond a limit."""
    (cause,) = incident.causes
    assert cause.code == "limit_reached"
    (evidence,) = cause.evidence_for
    return str(evidence.value)


def test_more_nodes_than_are_watched_are_named(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those within the limit are judged as always. It is over when the others are gone."""
    monkeypatch.setattr(limits, "MOST_NODES", 6)
    world = crowds.star(9)
    (opened,) = play(world, 10)
    assert (opened.state, opened.severity) == ("open", "warning")
    assert named(opened).endswith("and these are not: pg-6, pg-7, pg-8")
    assert len(world.state.memory.nodes) == 6
    assert sum(not link.agentless for link in world.state.memory.links.values()) == 5
    gauges.count([world.state])
    shown = {sample.labels["what"]: sample.value for sample in metrics.STREAM_BEYOND_LIMITS.collect()[0].samples}
    assert shown["nodes"] == 3
    for name in ("pg-6", "pg-7", "pg-8"):
        del world.servers[name]
    ended = play(world, 170)[-1]
    assert ended.state == "resolved"


def test_more_links_than_are_judged_are_named(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as they are there, however long nothing changes."""
    monkeypatch.setattr(limits, "MOST_LINKS", 6)
    world = crowds.unwatched(20)
    (opened,) = play(world, 200)
    assert "and these are not: orders/pg-0->pg-6, orders/pg-0->pg-7, orders/pg-0->pg-8 and 11 others" in named(opened)
    assert len(world.state.memory.links) == 6


@pytest.mark.slow
def test_more_alerts_than_can_be_open_are_named(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """The incident about those that are open has its cause as always.

    https://github.com/prometheus/prometheus/issues/12415 (no alert of a rule that reaches its limit is sent any more).
    """
    monkeypatch.setattr(limits, "MOST_ALERTS", 30)
    world = crowds.lost_slots(50)
    (opened,) = play(world, 30)
    assert "and these were not opened: slot_lost on slot s30 on pg-0" in named(opened)
    assert len(world.state.memory.alerts) == 30
    assert len(world.state.memory.incidents) == 1


def test_a_cluster_within_the_limits_says_nothing(play: Play) -> None:
    """Nothing is counted for it."""
    world = crowds.star(9)
    assert play(world, 30) == []
    assert world.state.memory.beyond == {}

"""The gauges of links, nodes and slots: those of what is seen now, and no others.

Exporters that lied in public, each a test below: a lag that froze at its last value (postgres_exporter issue 907), one
that grew while the primary was idle (its issues 385 and 545), one that stood still behind a firewall (its pull request
977), a former primary's after a failover (CrunchyData/pgmonitor issue 319, postgres-operator issue 1635), series of
consumers that were gone until the exporter was restarted (seglo/kafka-lag-exporter issues 25 and 244), a scrape that
failed as a whole for one series that was there twice (danielqsj/kafka_exporter issue 112).
"""

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from leadline import metrics, subject_metrics
from leadline.clock import ManualClock
from leadline.model.replication import Slot
from leadline.subject_metrics import Kind, Rows, SubjectGauges
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.runtime import gauges
from leadline_streams.runtime.subject_rows import FRESH_S, SubjectRows
from tests.unit.streams.world import START, World

LINK = ("orders", "orders/pg-1->pg-2", "pg-1", "pg-2")
LAG = subject_metrics.LINK_LAG


def streaming(seconds: int = 20, rate: int = 100_000) -> World:
    """A primary and its standby, after a while."""
    world = World()
    world.rate = rate
    primary, standby = world.pair()
    for _ in range(seconds):
        world.stream(primary, standby)
        world.step()
    return world


def rows(*worlds: World, most: int = 100, later_s: float = 0.5) -> tuple[Rows, dict[Kind, int]]:
    """The rows of clusters, so long after they were last judged."""
    gathered = SubjectRows(START.timestamp() + worlds[0].time + later_s, most)
    for world in worlds:
        gathered.add(world.state)
    return gathered.taken()


def shown(world: World, name: str) -> dict[tuple[str, ...], float]:
    return dict(rows(world)[0].get(name, {}))


def test_a_healthy_link() -> None:
    """Verdict, connection, lag, bytes, what is seen, and what the link is."""
    world = streaming()
    assert shown(world, LAG) == {LINK: 0.0}
    assert shown(world, subject_metrics.LINK_VERDICT) == {(*LINK, "healthy"): 1.0}
    assert shown(world, subject_metrics.LINK_INFO) == {(*LINK, "physical", "", "fra1"): 1.0}
    assert shown(world, subject_metrics.LINK_CONNECTED) == {LINK: 1.0}
    assert shown(world, subject_metrics.LINK_ENDS_SEEN) == {LINK: 2.0}
    assert shown(world, subject_metrics.NODE_HEALTH) == {
        ("orders", "pg-1", "fra1", "primary", "up"): 1.0,
        ("orders", "pg-2", "fra1", "standby", "up"): 1.0,
    }
    assert shown(world, subject_metrics.SLOT_ACTIVE) == {("orders", "pg-1", "s2"): 1.0}
    assert shown(world, subject_metrics.SLOT_RETAINED) == {("orders", "pg-1", "s2"): 0.0}
    assert shown(world, subject_metrics.SLOT_FULL_IN) == {}


def test_an_idle_primary_has_a_lag_of_zero() -> None:
    """Neither NaN, nor the age of the last transaction."""
    world = streaming()
    world.rate = 0
    for _ in range(60):
        world.step()
    assert shown(world, LAG) == {LINK: 0.0}
    assert shown(world, subject_metrics.LINK_VERDICT) == {(*LINK, "idle"): 1.0}


def test_a_cut_link_has_a_lag_that_grows() -> None:
    """The standby's own view would be zero: it has applied all that it received."""
    world = streaming()
    standby, cut_at = world.servers["pg-2"], world.lsn
    for _ in range(30):
        world.stream(world.servers["pg-1"], standby, received=cut_at)
        world.servers["pg-1"].set(downstreams=())
        standby.set(upstream=None)
        world.step()
    assert shown(world, LAG)[LINK] > 20.0
    assert shown(world, subject_metrics.LINK_CONNECTED) == {LINK: 0.0}


def test_no_lag_while_the_primary_is_not_seen() -> None:
    """It would stand still at its last value; the verdict says that the agent is silent or the server down."""
    world = streaming()
    world.servers["pg-1"].silent = True
    for _ in range(30):
        world.step()
    assert shown(world, LAG) == {}
    assert shown(world, subject_metrics.LINK_BEHIND_BYTES) == {}
    assert shown(world, subject_metrics.SLOT_RETAINED) == {}
    assert shown(world, subject_metrics.LINK_ENDS_SEEN) == {LINK: 1.0}
    assert ("orders", "pg-1", "fra1", "primary", "silent") in shown(world, subject_metrics.NODE_HEALTH)


def test_nothing_of_a_link_of_which_no_end_is_seen_but_its_verdict() -> None:
    world = streaming()
    for server in world.servers.values():
        server.silent = True
    for _ in range(30):
        world.step()
    assert shown(world, LAG) == shown(world, subject_metrics.LINK_CONNECTED) == {}
    assert shown(world, subject_metrics.LINK_VERDICT) == {(*LINK, "unknown"): 1.0}
    assert shown(world, subject_metrics.LINK_ENDS_SEEN) == {LINK: 0.0}


def test_a_silent_standby_is_seen_by_its_sender() -> None:
    """As long as it is connected, the primary shows where it is."""
    world = streaming()
    world.servers["pg-2"].silent = True
    primary = world.servers["pg-1"]
    for _ in range(30):
        world.stream(primary, world.servers["pg-2"])
        world.step()
    assert shown(world, LAG) == {LINK: 0.0}
    primary.set(downstreams=())
    for _ in range(10):
        world.step()
    assert shown(world, LAG) == {}


def test_a_bound_is_no_lag() -> None:
    """Of a downstream that was behind before the first look, nobody can know by how much."""
    world = World()
    primary, standby = world.pair()
    for _ in range(10):
        world.stream(primary, standby, replayed=1 << 20)
        world.step()
    assert shown(world, LAG) == {}
    assert shown(world, subject_metrics.LINK_BEHIND_BYTES)[LINK] > 0


def test_after_a_failover_the_former_link_is_gone() -> None:
    """The link of the new primary is there, and each node has one role."""
    world = streaming()
    old, new = world.servers["pg-1"], world.servers["pg-2"]
    old.node, new.node = replace(old.node, role="standby"), replace(new.node, role="primary")
    old.set(downstreams=(), slots=(), positions=None, upstream=None)
    new.set(upstream=None)
    for _ in range(30):
        world.stream(new, old)
        world.step()
    assert set(shown(world, LAG)) == {("orders", "orders/pg-2->pg-1", "pg-2", "pg-1")}
    assert sorted(labels[1:4:2] for labels in shown(world, subject_metrics.NODE_HEALTH)) == [
        ("pg-1", "standby"),
        ("pg-2", "primary"),
    ]


def test_a_slot_that_fills_the_disk() -> None:
    """The bytes that it retains, and the seconds that are left at its growth; absent while it does not grow."""
    world = streaming()
    primary = world.servers["pg-1"]
    for second in range(40):
        retained = (1 << 30) + second * 10_000_000
        abandoned = Slot(name="old", retained_bytes=retained, safe_wal_bytes=10**9, wal_status="extended")
        world.stream(primary, world.servers["pg-2"])
        primary.set(slots=(*[slot for slot in primary.fields["slots"] if slot.name != "old"], abandoned))
        world.step()
    place = ("orders", "pg-1", "old")
    assert shown(world, subject_metrics.SLOT_ACTIVE)[place] == 0.0
    assert shown(world, subject_metrics.SLOT_RETAINED)[place] == (1 << 30) + 390_000_000
    assert shown(world, subject_metrics.SLOT_FULL_IN)[place] == pytest.approx(100.0, rel=0.01)
    assert ("orders", "pg-1", "s2") not in shown(world, subject_metrics.SLOT_FULL_IN)


def test_a_cluster_that_is_not_judged_shows_only_since_when() -> None:
    """As while Kafka is away, or while a worker reads what came meanwhile."""
    world = streaming()
    found, _ = rows(world, later_s=FRESH_S + 1)
    assert set(found) == {subject_metrics.CLUSTER_JUDGED}
    assert found[subject_metrics.CLUSTER_JUDGED][("orders",)] <= START.timestamp() + world.time + 0.5


def test_subjects_with_a_problem_come_first_and_the_rest_is_counted() -> None:
    """The same ones are shown each time, so that no series comes and goes."""
    worlds = [streaming() for _ in range(5)]
    for number, world in enumerate(worlds):
        world.state.memory.cluster = f"c{number}"  # type: ignore[assignment]
    (late,) = worlds[4].state.memory.links.values()
    late.verdict = "falling_behind"
    found, left_out = rows(*worlds, most=2)
    assert left_out == {"links": 3, "nodes": 8, "slots": 3, "clusters": 3}
    assert {labels[0] for labels in found[LAG]} == {"c0", "c4"}
    assert rows(*reversed(worlds), most=2)[0].keys() == found.keys()
    assert rows(*reversed(worlds), most=2)[0][LAG].keys() == found[LAG].keys()


def scrape(gauges: SubjectGauges) -> str:
    registry = CollectorRegistry()
    registry.register(gauges)
    return generate_latest(registry).decode()


def test_names_of_any_kind_can_be_scraped() -> None:
    """A lone surrogate, quotes and line ends; the same label in two writings is one series."""
    world = streaming()
    world.state.memory.cluster = 'a"b\n\ud800'  # type: ignore[assignment]
    held = SubjectGauges()
    found, _ = rows(world)
    held.replace(found, 30.0, ManualClock().monotonic)
    assert r'cluster="a\"b\n\\ud800"' in scrape(held)


def test_a_worker_that_hangs_shows_no_gauges() -> None:
    """Its thread of scrapes goes on; what it would say is no longer seen."""
    clock, held = ManualClock(), SubjectGauges()
    held.replace(rows(streaming())[0], 30.0, clock.monotonic)
    assert "leadline_link_lag_seconds{" in scrape(held)
    clock.advance(31)
    assert "{" not in scrape(held)


def collected(name: str) -> list[dict[str, str]]:
    return [sample.labels for family in metrics.REGISTRY.collect() for sample in family.samples if sample.name == name]


async def test_a_cluster_that_goes_to_another_worker_is_gone_at_once() -> None:
    """Also when it goes while the gauges are gathered: two workers would show it."""
    world, clock = streaming(), ManualClock(START)
    clock.advance(world.time)
    held: list[ClusterState] = [world.state]

    def states() -> Sequence[ClusterState]:
        return list(held)

    assert await gauges.show(states, asyncio.Lock(), clock, 10) == {"links": 0, "nodes": 0, "slots": 0, "clusters": 0}
    assert collected(LAG) == [dict(zip(subject_metrics.DECLARED[LAG].labels, LINK, strict=True))]
    showing = asyncio.create_task(gauges.show(states, asyncio.Lock(), clock, 10))
    await asyncio.sleep(0)
    held.clear()
    assert await showing is None
    assert collected(LAG) == []


async def test_a_gathering_cluster_that_is_forgotten_is_gone_with_the_next_look() -> None:
    world, clock = streaming(), ManualClock(START)
    clock.advance(world.time)
    await gauges.show(lambda: [world.state], asyncio.Lock(), clock, 10)
    await gauges.show(list, asyncio.Lock(), clock, 10)
    assert collected(LAG) == collected(subject_metrics.CLUSTER_JUDGED) == []

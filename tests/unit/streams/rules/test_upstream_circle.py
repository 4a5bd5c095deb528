"""``upstream_circle``."""

from leadline.model.replication import Positions, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import World

QUICK = {"for_s": 3.0, "keep_s": 2.0}


def follow(world: World, seconds: int, **upstreams: str) -> None:
    """Standbys that stream from these servers and have nothing more to receive, beside a primary that writes."""
    at = format_lsn(world.lsn)
    for _ in range(seconds):
        world.servers["pg-1"].set(positions=Positions(current_lsn=format_lsn(world.lsn)))
        for name, upstream in upstreams.items():
            world.servers[name.replace("_", "-")].set(
                positions=Positions(received_lsn=at, replayed_lsn=at),
                upstream=Upstream(host=f"{upstream}.db", port=5432, status="streaming", latest_end_lsn=at),
            )
        world.step()


def cluster() -> World:
    world = World(upstream_circle=QUICK)
    world.add("pg-1", "primary", system_id="7001")
    for name in ("pg-2", "pg-3"):
        world.add(name, "standby", system_id="7001")
    return world


def test_two_standbys_that_follow_each_other() -> None:
    """Both stream and lack nothing, and neither has what the primary wrote; it ends with one that follows it."""
    world = cluster()
    follow(world, 15, pg_2="pg-3", pg_3="pg-2")
    fired = play.last(world, "upstream_circle")
    assert (fired.to, fired.severity) == ("firing", "critical")
    assert "pg-2 follows pg-3 follows pg-2" in fired.summary or "pg-3 follows pg-2 follows pg-3" in fired.summary
    assert {link.verdict for link in world.state.memory.links.values()} == {"broken"}
    cause = world.incidents[-1].causes[0]
    assert cause.code == "standbys_follow_each_other"
    assert "with the address of pg-1, which takes writes" in cause.fix
    assert len({incident.incident_id for incident in world.incidents}) == 1
    follow(world, 15, pg_2="pg-1", pg_3="pg-2")
    assert play.last(world, "upstream_circle").to == "resolved"


def test_a_standby_that_follows_itself() -> None:
    """Its own address is no upstream that was lost."""
    world = cluster()
    for _ in range(15):
        world.servers["pg-2"].set(upstream=Upstream(host="pg-2.db", port=5432))
        world.step()
    assert play.last(world, "upstream_circle").summary.endswith("pg-2 follows itself")
    assert world.first_cause() == "standbys_follow_each_other"


def test_a_cascade_is_no_circle() -> None:
    """Nor is one whose top is not watched."""
    world = cluster()
    follow(world, 10, pg_2="pg-1", pg_3="pg-2")
    follow(world, 10, pg_2="elsewhere", pg_3="pg-2")
    assert play.life(world, "upstream_circle") == []

"""``split_brain``."""

from msgspec.structs import replace

from leadline.model.replication import Positions
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World


def promote(world: World, server: Server) -> None:
    """The server leaves recovery."""
    server.node = replace(server.node, role="primary", timeline=2)
    server.set(upstream=None, positions=Positions(current_lsn=format_lsn(world.lsn)))


def demote(server: Server) -> None:
    """The server comes back as a standby."""
    server.node = replace(server.node, role="standby")
    server.set(positions=Positions(replayed_lsn="0/2000000", received_lsn="0/2000000"))


def pair() -> World:
    """A pair that has streamed for a while."""
    world = World()
    world.pair()
    play.stream(world, 10)
    return world


def test_a_standby_that_is_promoted_beside_its_primary() -> None:
    """Reported within seconds, critical, on the cluster; over when one of the two is gone or follows."""
    world = pair()
    promote(world, world.servers["pg-2"])
    play.look(world, 6)
    fired = play.last(world, "split_brain")
    assert (fired.to, fired.severity, fired.subject.kind) == ("firing", "critical", "cluster")
    assert fired.summary.startswith("pg-1 and pg-2 take writes")
    demote(world.servers["pg-1"])
    play.look(world, 20)
    assert play.last(world, "split_brain").to == "resolved"


def test_nothing_else_need_be_wrong() -> None:
    """A standby without a slot is disconnected first and promoted a second later."""
    world = pair()
    for slot in (False, True):
        world.servers["pg-1"].set(downstreams=(), slots=())
        if slot:
            promote(world, world.servers["pg-2"])
        play.look(world, 1)
    play.look(world, 6)
    assert world.fired() == {"split_brain"}


def test_a_failover_is_none() -> None:
    """The old primary is down, its agent says so."""
    world = pair()
    world.servers["pg-1"].set(up=False)
    play.look(world, 3)
    promote(world, world.servers["pg-2"])
    play.look(world, 60)
    assert "split_brain" not in world.fired()


def test_a_fast_failover_from_a_dead_host_is_none() -> None:
    """Host and agent die together; until the silence is noticed the old primary looks alive."""
    world = pair()
    world.servers["pg-1"].silent = True
    play.look(world, 1)
    promote(world, world.servers["pg-2"])
    play.look(world, 60)
    assert play.life(world, "split_brain") == []


def test_a_subscriber_is_a_cluster_of_its_own() -> None:
    """Both take writes, as they should."""
    world = World()
    play.subscribe(world, 30)
    assert world.transitions == []


def test_silence_of_one_leaves_it_unknown() -> None:
    """It may write still."""
    world = pair()
    promote(world, world.servers["pg-2"])
    play.look(world, 10)
    world.servers["pg-1"].silent = True
    play.look(world, 30)
    assert play.life(world, "split_brain") == ["pending", "firing", "unknown"]


def test_the_silence_of_others_hides_nothing() -> None:
    """A third node's agent is away when it happens."""
    world = pair()
    world.add("pg-3", "standby")
    play.stream(world, 5)
    world.servers["pg-3"].silent = True
    play.stream(world, 20)
    promote(world, world.servers["pg-2"])
    play.look(world, 10)
    assert "split_brain" in world.fired()

"""``identity_missing``."""

from msgspec.structs import replace

from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def send_tables(world: World, *tables: str) -> None:
    """The publisher's settings reach the judge, with the tables that it found."""
    server = world.servers["pg-1"]
    world.outputs += world.state.observe(replace(server.node_settings(world.time + 0.6), without_identity=list(tables)))


def test_tables_are_named_until_they_are_repaired() -> None:
    """The value is their number; a worker that takes over remembers them."""
    world = World(identity_missing=QUICK)
    play.subscribe(world, 3)
    send_tables(world, *(f"public.t{n}" for n in range(5)))
    play.subscribe(world, 3)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    play.subscribe(world, 6)
    fired = play.last(world, "identity_missing")
    assert (fired.to, fired.value) == ("firing", 5.0)
    assert fired.summary.startswith("public.t0, public.t1, public.t2 and 2 more on pg-1 published without")
    assert world.first_cause() == "replica_identity_missing"
    send_tables(world)
    play.subscribe(world, 10)
    assert play.last(world, "identity_missing").to == "resolved"


def test_a_publisher_whose_tables_have_one() -> None:
    """No tables were sent."""
    world = World(identity_missing=QUICK)
    play.subscribe(world, 3)
    send_tables(world)
    play.subscribe(world, 10)
    assert world.transitions == []

"""``apply_delay_undeclared``."""

from msgspec.structs import replace

from leadline_streams.assembly import judgement
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.policy import Override, Policy
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def delay(_: Server, down: Server) -> None:
    down.set(positions=replace(down.fields["positions"], apply_delay_s=600.0))


def test_a_delay_nobody_declared_fires() -> None:
    """The value is the delay."""
    world = World(apply_delay_undeclared=QUICK)
    world.pair()
    play.stream(world, 10, delay)
    fired = play.last(world, "apply_delay_undeclared")
    assert (fired.to, fired.value, fired.subject.node) == ("firing", 600.0, "pg-2")


def test_an_override_declares_it() -> None:
    """For this node, and up to this delay."""
    world = World()
    declared = Override(node="pg-2", rules={"apply_delay_undeclared": {"warning": 601.0}})
    world.state = ClusterState(
        "orders", judgement(Policy(rules={"apply_delay_undeclared": QUICK}, overrides=(declared,)))
    )
    world.pair()
    play.stream(world, 10, delay)
    assert world.fired() == set()


def test_a_primary_may_have_the_setting() -> None:
    """It waits for nobody there."""
    world = World(apply_delay_undeclared=QUICK)
    world.pair()
    play.stream(world, 10, lambda up, _: up.set(positions=replace(up.fields["positions"], apply_delay_s=600.0)))
    assert world.fired() == set()

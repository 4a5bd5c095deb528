"""``replication_lag``."""

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def test_a_standby_that_falls_behind_fires_and_escalates() -> None:
    """First a warning, then critical under the same identity, resolved when caught up."""
    world = World(replication_lag={"warning": 10.0, "critical": 30.0, "for_s": 5.0, "keep_s": 5.0})
    world.pair()
    play.stream(world, 10)
    play.stream(world, 40, replayed=world.lsn)
    play.stream(world, 10)
    steps = [(t.to, t.severity) for t in play.of(world, "replication_lag")]
    assert steps == [
        ("pending", "warning"),
        ("firing", "warning"),
        ("firing", "critical"),
        ("resolved", "critical"),
    ]
    assert len({t.alert_id for t in play.of(world, "replication_lag")}) == 1


def test_lag_that_hovers_at_the_limit_does_not_flap() -> None:
    """Clear is well below the limit, not just below it."""
    world = World(replication_lag={"warning": 10.0, "for_s": 0.0, "keep_s": 2.0})
    world.pair()
    play.stream(world, 20)
    for behind in (12, 9, 12, 9, 12, 9):
        play.stream(world, 3, replayed=world.lsn - behind * world.rate)
    assert play.life(world, "replication_lag") == ["firing"]


def test_a_delay_that_is_configured_is_not_lag() -> None:
    """Only what comes on top of it counts."""
    world = World(replication_lag={"warning": 10.0, "for_s": 0.0})
    world.pair()
    play.stream(world, 30)
    play.stream(
        world,
        1,
        lambda _, down: down.set(positions=replace(down.fields["positions"], apply_delay_s=15.0)),
        replayed=world.lsn - 20 * world.rate,
    )
    assert play.life(world, "replication_lag") == []

"""``replication_lag``."""

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World, at


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


def test_lag_from_before_the_first_sample_is_judged_by_what_is_certain() -> None:
    """The age of the last commit that was replayed is an upper bound: only the time since the first sample counts."""
    world = World(replication_lag={"warning": 10.0, "for_s": 0.0}, lag_forecast={"for_s": 0.0})
    world.pair()

    def behind(_: Server, down: Server) -> None:
        an_hour_ago = at(world.time - 3600.0)
        down.set(positions=replace(down.fields["positions"], last_replay_at=an_hour_ago))

    before = world.lsn
    world.lsn += 1_000_000
    play.stream(world, 10, behind, replayed=before)
    link = next(iter(world.state.memory.links.values()))
    assert link.lag_is_bound
    assert link.verdict == "replay_stalled"
    assert link.shown_lag_s is not None
    assert link.shown_lag_s > 3500
    assert not {"replication_lag", "lag_forecast"} & world.fired()
    play.stream(world, 5, behind, replayed=before)
    assert play.life(world, "replication_lag") == ["firing"]
    assert "at least" in play.last(world, "replication_lag").summary

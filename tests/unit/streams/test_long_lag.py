"""Lag of hours and days: a standby that is cut off for long is as late as it is, in bounded memory."""

import pytest

from tests.unit.streams.world import World, at

STEP_S = 300.0
HOUR_S, DAY_S = 3600.0, 86400.0


def run(world: World, seconds: float, *, stuck_at: int | None = None) -> None:
    """Both servers are sampled each five minutes; the primary writes, the standby follows or stays where it is."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(int(seconds / STEP_S)):
        world.stream(up, down, received=stuck_at)
        world.state.tick(at(world.time + STEP_S))
        world.step(STEP_S)


def cut_off(seconds: float) -> World:
    """A pair that was healthy for an hour; then the standby received nothing for so long."""
    world = World()
    for server in world.pair():
        server.set(interval_s=STEP_S)
    run(world, HOUR_S)
    run(world, seconds, stuck_at=world.lsn)
    return world


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3 * HOUR_S, 1.5 * DAY_S], ids="{:.0f} s".format)
def test_lag_of_hours_is_exact_to_a_twentieth(seconds: float) -> None:
    """Or to two samples, for as long as positions are remembered, which is two days."""
    (link,) = cut_off(seconds).state.memory.links.values()
    assert link.lag_s == pytest.approx(seconds, rel=0.05, abs=2 * STEP_S)


@pytest.mark.slow
def test_lag_of_more_than_two_days_is_at_least_two_days() -> None:
    """Older positions are forgotten, so memory is bounded; the lag is then at least the time that is remembered."""
    world = cut_off(3 * DAY_S)
    (link,) = world.state.memory.links.values()
    assert link.lag_s is not None
    assert 0.95 * 2 * DAY_S <= link.lag_s <= 3 * DAY_S + STEP_S
    assert len(world.state.memory.nodes["pg-1"].clock.times) <= 257
    run(world, 2 * STEP_S)
    assert link.lag_s == 0.0, "it has caught up"

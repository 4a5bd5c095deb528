"""``replication_lag_bytes``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

FAST = 100_000_000


def far_behind() -> World:
    """2 GB behind, and standing there."""
    world = World(replication_lag_bytes=QUICK)
    world.pair()
    play.stream(world, 10)
    world.rate = FAST
    stuck = world.lsn
    play.stream(world, 20, replayed=stuck)
    world.rate = 0
    play.stream(world, 20, replayed=stuck)
    return world


def test_bytes_that_are_not_caught_up_with_fire() -> None:
    """With their number and the direction."""
    world = far_behind()
    fired = play.last(world, "replication_lag_bytes")
    assert fired.to == "firing"
    assert fired.summary.endswith("GB behind pg-1 and will not have caught up soon")


def test_a_link_that_catches_up_is_left_to_it() -> None:
    """At 20 MB/s two gigabytes take less than two minutes."""
    world = far_behind()
    for behind in range(100, 0, -1):
        play.stream(world, 1, replayed=world.lsn - behind * FAST // 5)
    assert play.life(world, "replication_lag_bytes") == ["pending", "firing", "resolved"]


def test_one_that_would_need_hours_is_not() -> None:
    """At 100 kB/s they take hours."""
    world = far_behind()
    behind = 20 * FAST
    for _ in range(30):
        behind -= 100_000
        play.stream(world, 1, replayed=world.lsn - behind)
    assert play.life(world, "replication_lag_bytes") == ["pending", "firing"]

"""``apply_error``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def fails(world: World, seconds: int, counted: int = 0) -> int:
    """A worker that is started every five seconds and fails at once."""
    for second in range(seconds):
        counted += second % 5 == 0
        play.subscribe(world, 1, apply_errors=counted, pid=None)
    return counted


def test_an_error_that_is_tried_again_and_again() -> None:
    """Reported within 15 s, critical after two minutes, over soon after it got past the error."""
    world = World()
    play.subscribe(world, 10, apply_errors=0)
    counted = fails(world, 15)
    assert play.last(world, "apply_error").to == "pending"
    counted = fails(world, 5, counted)
    assert play.last(world, "apply_error").to == "firing"
    counted = fails(world, 100, counted)
    assert play.last(world, "apply_error").severity == "critical"
    play.subscribe(world, 40, apply_errors=counted)
    assert play.last(world, "apply_error").to == "resolved"


def test_one_error_that_is_got_past_is_none() -> None:
    """A deadlock, a timeout: the second attempt worked."""
    world = World()
    play.subscribe(world, 10, apply_errors=0)
    play.subscribe(world, 2, apply_errors=1, pid=None)
    play.subscribe(world, 60, apply_errors=1)
    assert world.fired() == set()


def test_a_worker_that_stays_away_is_not_taken_for_a_cure() -> None:
    """With a long retry interval the errors are rare, and nothing is applied between them."""
    world = World()
    play.subscribe(world, 10, apply_errors=0)
    for attempt in (1, 2, 3):
        play.subscribe(world, 60, apply_errors=attempt, pid=None)
    assert play.life(world, "apply_error") == ["pending", "firing"]


def test_it_shows_where_apply_stands() -> None:
    """The position that does not move, and the WAL behind it."""
    world = World()
    play.subscribe(world, 10, apply_errors=0)
    fails(world, 30)
    assert {"apply_errors", "worker", "confirmed_lsn", "lag_bytes"} <= play.facts(
        play.last(world, "apply_error")
    ).keys()

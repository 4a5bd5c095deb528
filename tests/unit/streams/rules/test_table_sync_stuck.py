"""``table_sync_stuck``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def test_a_copy_that_fails_again_and_again_names_its_table() -> None:
    """And is over when the table is ready."""
    world = World()
    play.subscribe(world, 10, sync_errors=0)
    for second in range(25):
        play.subscribe(world, 1, sync_errors=1 + second // 5, unsynced=("items",), tables={"r": 3, "d": 1})
    fired = play.last(world, "table_sync_stuck")
    assert fired.to == "firing"
    assert "items" in fired.summary
    play.subscribe(world, 20, sync_errors=5, tables={"r": 4})
    assert play.last(world, "table_sync_stuck").to == "resolved"


def test_a_copy_that_worked_at_the_second_attempt_is_none() -> None:
    """One failure is not stuck."""
    world = World()
    play.subscribe(world, 10, sync_errors=0)
    play.subscribe(world, 30, sync_errors=1, unsynced=("items",), tables={"d": 1})
    assert world.transitions == []

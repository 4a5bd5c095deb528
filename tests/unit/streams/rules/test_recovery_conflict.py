"""``recovery_conflict``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def cancels(world: World, counts: list[int]) -> None:
    """The standby's counters, second by second: half of the queries cancelled in each of two databases."""
    for count in counts:
        half = count // 2
        world.servers["pg-2"].set(conflicts={"app": {"snapshot": half, "bufferpin": 0}, "reports": {"lock": half}})
        play.stream(world, 1)


def paired() -> World:
    """A pair under default limits."""
    world = World()
    world.pair()
    return world


def test_cancelled_queries_fire_with_their_kind() -> None:
    """Counted over all databases, with the settings that let it happen."""
    world = paired()
    world.servers["pg-2"].settings = {"max_standby_streaming_delay": "0", "hot_standby_feedback": "off"}
    play.stream(world, 3)
    world.send_settings()
    cancels(world, [0, 2, 4, 6, 8])
    fired = play.last(world, "recovery_conflict")
    assert (fired.to, fired.value) == ("firing", 6.0)
    assert play.facts(fired)["snapshot"] == "3"
    assert play.facts(fired)["max_standby_streaming_delay"] == "0"
    assert "(lock and snapshot)" in fired.summary


def test_what_was_cancelled_before_we_looked_is_history() -> None:
    """The first sample only sets the mark."""
    world = paired()
    cancels(world, [5000] * 30)
    assert world.transitions == []


def test_one_now_and_then_is_the_price_of_reading() -> None:
    """Four in five minutes are not worth a word."""
    world = paired()
    cancels(world, [2 * (second // 60) for second in range(140)])
    assert world.transitions == []


def test_it_resolves_when_the_window_has_passed() -> None:
    """Five minutes after the last one."""
    world = paired()
    cancels(world, [0] * 5 + [4] + [8] * 340)
    assert play.life(world, "recovery_conflict") == ["firing", "resolved"]


def test_counters_that_are_reset_count_from_zero() -> None:
    """After a crash or a reset of statistics nothing negative is counted, and nothing is invented."""
    world = paired()
    cancels(world, [1000, 1000, 0, 0, 2, 2])
    assert world.transitions == []

"""``clock_skew``."""

import pytest

from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


@pytest.mark.parametrize("ahead_s", [-3600.0, -7.0], ids=["an hour", "seconds"])
def test_a_wrong_clock_is_reported_until_it_agrees_again(ahead_s: float) -> None:
    """With the node, the seconds and since when; its server is judged as before."""
    world = World(clock_skew=QUICK)
    _, down = world.pair()
    play.stream(world, 20)
    down.ahead_s = ahead_s
    play.stream(world, 15)
    fired = play.last(world, "clock_skew")
    assert (fired.to, fired.severity, fired.subject.node) == ("firing", "warning", "pg-2")
    assert fired.value == pytest.approx(-ahead_s, abs=1.0)
    assert "behind the others since 10:00:2" in fired.summary
    assert world.first_cause() == "clock_skew"
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    play.stream(world, 5)
    down.ahead_s = 0.0
    play.stream(world, 15)
    assert play.last(world, "clock_skew").to == "resolved"
    assert world.state.memory.nodes["pg-2"].host_ahead_s == 0.0
    assert world.state.memory.nodes["pg-2"].is_healthy
    assert world.fired() == {"clock_skew"}
    assert world.incidents == []


@pytest.mark.parametrize("ahead_s", [-7200.0, -40.0])
@pytest.mark.parametrize("wrong", ["pg-1", "pg-2"])
def test_looks_of_two_clocks_are_not_compared(wrong: str, ahead_s: float) -> None:
    """A standby that is looked at after its primary has what was written in between, whichever clock is behind."""
    world = World(clock_skew=QUICK, log_went_back={"for_s": 0.0})
    world.add("pg-1", "primary", timeline=1)
    world.add("pg-2", "standby", timeline=1)
    world.rate = 0
    play.stream(world, 10)
    world.servers[wrong].ahead_s = ahead_s
    for _ in range(3):
        play.stream(world, 8)
        play.stream(world, 1, received=world.lsn + 500)
        world.lsn += 500
    assert world.fired() == {"clock_skew"}


def test_a_difference_that_is_tolerated_is_none() -> None:
    """Below ``clock_tolerance_s`` nothing is corrected, so nothing is reported."""
    world = World(clock_skew={"for_s": 0.0})
    _, down = world.pair()
    down.ahead_s = -1.5
    play.stream(world, 30)
    assert world.transitions == []


def test_a_silent_agent_keeps_the_notice_unknown() -> None:
    """Nothing shows whether the clock was set meanwhile."""
    world = World(clock_skew=QUICK)
    _, down = world.pair()
    play.stream(world, 10)
    down.ahead_s = -600.0
    play.stream(world, 15)
    down.silent = True
    play.stream(world, 10)
    assert play.life(world, "clock_skew") == ["pending", "firing", "unknown"]

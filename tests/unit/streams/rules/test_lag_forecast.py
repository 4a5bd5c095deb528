"""``lag_forecast``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def behind(world: World, seconds: int, rate: float) -> None:
    """Fall behind by ``rate`` seconds a second."""
    start, began = world.lsn, world.time
    for _ in range(seconds):
        play.stream(world, 1, replayed=start + int((world.time - began) * world.rate * (1 - rate)))


def test_a_standby_that_stands_still_will_break_the_objective() -> None:
    """At one second a second, 300 s are near: it is reported long before ``replication_lag`` is critical."""
    world = World()
    world.pair()
    play.stream(world, 20)
    behind(world, 60, rate=1.0)
    fired = play.last(world, "lag_forecast")
    assert (fired.to, fired.severity) == ("firing", "warning")
    assert 200 < (fired.value or 0.0) < 280
    assert play.facts(fired)["objective_s"] == "300"


def test_a_slow_drift_is_hours_away() -> None:
    """A twentieth of a second a second takes more than an hour and a half."""
    world = World(lag_forecast=QUICK)
    world.pair()
    play.stream(world, 20)
    behind(world, 200, rate=0.05)
    assert world.fired() == set()


def test_the_objective_is_the_critical_lag() -> None:
    """A limit of hours gives no warning of minutes; without a limit there is no objective."""
    for lag_limits in ({"critical": 7200.0}, {"critical": None}, {"warning": None, "critical": None}):
        world = World(lag_forecast=QUICK, replication_lag=lag_limits)
        world.pair()
        play.stream(world, 20)
        behind(world, 30, rate=1.0)
        assert "lag_forecast" not in world.fired(), lag_limits


def test_lag_that_shrinks_is_no_threat() -> None:
    """However large it is."""
    world = World(lag_forecast=QUICK)
    world.pair()
    play.stream(world, 20)
    behind(world, 100, rate=1.0)
    assert world.fired() >= {"lag_forecast"}
    for left in range(100, 60, -2):
        play.stream(world, 1, replayed=world.lsn - left * world.rate)
    assert play.last(world, "lag_forecast").to == "resolved"

"""``subscription_disabled``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def test_by_somebody() -> None:
    """No error came before; it is over when it is enabled."""
    world = World(subscription_disabled=QUICK)
    play.subscribe(world, 10)
    play.subscribe(world, 10, enabled=False, pid=None)
    fired = play.last(world, "subscription_disabled")
    assert (fired.to, fired.verdict) == ("firing", None)
    assert fired.summary == "subscription sub on pg-3 was disabled by somebody; nothing is applied"
    play.subscribe(world, 15)
    assert play.last(world, "subscription_disabled").to == "resolved"


def test_by_an_error() -> None:
    """``disable_on_error`` and an error just before."""
    world = World(subscription_disabled=QUICK)
    play.subscribe(world, 10, apply_errors=0, disable_on_error=True)
    play.subscribe(world, 10, enabled=False, pid=None, apply_errors=1, disable_on_error=True)
    assert "disabled after an error" in play.last(world, "subscription_disabled").summary

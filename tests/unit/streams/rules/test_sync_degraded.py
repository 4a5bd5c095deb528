"""``sync_degraded``."""

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def confirms(up: Server, _: Server) -> None:
    up.set(downstreams=tuple(replace(row, sync_state="sync", sync_priority=1) for row in up.fields["downstreams"]))


def hides(up: Server, _: Server) -> None:
    up.set(downstreams=(), not_permitted=("downstreams",))


def with_names(names: str | None, change: play.Change = confirms) -> World:
    """A pair that lives for a while with this ``synchronous_standby_names`` on its primary."""
    world = World(sync_degraded=QUICK)
    up, _ = world.pair()
    if names is not None:
        up.settings = {"synchronous_standby_names": names}
    play.stream(world, 3, change)
    world.send_settings()
    play.stream(world, 20, change)
    return world


def test_a_standby_that_is_missing_fires() -> None:
    """Two are asked for, one is there; the other is named."""
    world = with_names('FIRST 2 ("pg-2", "pg-4")')
    fired = play.last(world, "sync_degraded")
    assert (fired.to, fired.value) == ("firing", 1.0)
    assert fired.summary.startswith("pg-1 has 1 of 2 synchronous standbys")
    assert play.facts(fired)["missing"] == "pg-4"


def test_enough_is_enough() -> None:
    """One of two will do."""
    assert with_names('ANY 1 ("pg-2", "pg-4")').transitions == []


def test_nobody_is_asked_for() -> None:
    """Replication is asynchronous by intent."""
    assert with_names("", lambda up, down: None).transitions == []


def test_nothing_is_guessed() -> None:
    """Settings that are not known, or not understood, and senders that may not be seen are no fault and no cure."""
    assert with_names(None).transitions == []
    assert with_names("FIRST (").transitions == []
    assert "sync_degraded" not in with_names('"pg-2"', hides).fired()


def test_a_standby_asks_for_nothing() -> None:
    """The setting waits for its promotion."""
    world = World(sync_degraded=QUICK)
    _, down = world.pair()
    down.settings = {"synchronous_standby_names": "pg1"}
    play.stream(world, 3)
    world.send_settings()
    play.stream(world, 20)
    assert world.transitions == []

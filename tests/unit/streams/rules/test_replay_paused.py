"""``replay_paused``."""

from msgspec.structs import replace

from leadline.model.host import Disk
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def pause(_: Server, down: Server) -> None:
    down.set(positions=replace(down.fields["positions"], replay_paused=True, startup_wait="IPC/RecoveryPause"))


def resume(_: Server, down: Server) -> None:
    down.set(positions=replace(down.fields["positions"], replay_paused=False))


def test_a_pause_fires_and_ends() -> None:
    """It says what waits, and where replay stands."""
    world = World(replay_paused=QUICK)
    world.pair()
    play.stream(world, 10)
    play.stream(world, 10, pause, replayed=world.lsn)
    fired = play.last(world, "replay_paused")
    assert fired.verdict == "replay_paused"
    assert play.facts(fired)["startup_wait"] == "IPC/RecoveryPause"
    play.stream(world, 15, resume)
    assert play.life(world, "replay_paused") == ["pending", "firing", "resolved"]


def test_a_pause_on_an_idle_primary_fires_too() -> None:
    """Nothing is behind, and it will be."""
    world = World(replay_paused=QUICK)
    world.pair()
    world.rate = 0
    play.stream(world, 10)
    play.stream(world, 10, pause)
    assert world.fired() == {"replay_paused"}


def test_a_pause_says_when_the_volume_is_full() -> None:
    """A standby that does not replay keeps all WAL that it receives. There is no forecast of lag meanwhile."""
    world = World(replay_paused=QUICK, lag_forecast=QUICK)
    _, down = world.pair()
    down.set(disk=Disk(free_bytes=7200 * world.rate))
    play.stream(world, 20)
    play.stream(world, 40, pause, replayed=world.lsn)
    fired = play.last(world, "replay_paused")
    assert fired.summary.endswith("; the volume of its WAL is full in about 2 h, at the present rate")
    assert "lag_forecast" not in world.fired()

"""``agent_silent``."""

from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def test_silence_fires_and_a_word_ends_it() -> None:
    """Time passes by the samples of others and by ticks."""
    world = World()
    _, down = world.pair()
    play.stream(world, 10)
    down.silent = True
    play.stream(world, 40)
    fired = play.last(world, "agent_silent")
    assert (fired.to, fired.severity, fired.subject.node) == ("firing", "warning", "pg-2")
    assert fired.summary.startswith("the agent of pg-2 has not reported for 35 s")
    down.silent = False
    play.stream(world, 10)
    assert play.last(world, "agent_silent").to == "resolved"


def test_an_agent_that_is_restarted_is_not_missed() -> None:
    """Twenty seconds are an upgrade."""
    world = World()
    _, down = world.pair()
    play.stream(world, 10)
    down.silent = True
    play.stream(world, 20)
    down.silent = False
    play.stream(world, 10)
    assert world.fired() == set()


def test_when_all_are_silent_each_is_reported() -> None:
    """Only ticks are left."""
    world = World()
    world.pair()
    play.stream(world, 10)
    for server in world.servers.values():
        server.silent = True
    play.look(world, 60)
    silent = {t.subject.node for t in play.of(world, "agent_silent") if t.to == "firing"}
    assert silent == {"pg-1", "pg-2"}

"""``node_down``; a planned restart is in ``test_healthy``."""

import pytest

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

REFUSED = "refused: connection refused"


def test_a_server_that_does_not_answer_fires_with_the_reason() -> None:
    """A warning, critical after a minute, over when it answers."""
    world = World()
    up, down = world.pair()
    play.stream(world, 10)
    play.cut(up, down)
    up.set(up=False, error=REFUSED)
    play.look(world, 70)
    steps = [(t.to, t.severity) for t in play.of(world, "node_down")]
    assert steps == [("pending", "warning"), ("firing", "warning"), ("firing", "critical")]
    assert play.last(world, "node_down").summary == f"primary pg-1 has not answered for 1 min: {REFUSED}"
    up.set(up=True, error=None)
    play.look(world, 15)
    assert play.last(world, "node_down").to == "resolved"


def test_a_server_that_never_answered_fires() -> None:
    """Its first sample says why."""
    world = World(node_down=QUICK)
    world.add("pg-1", "unknown").set(up=False, error="password authentication failed")
    play.look(world, 10)
    assert "server pg-1" in play.last(world, "node_down").summary


def test_silence_leaves_it_unknown() -> None:
    """An agent that stops saying that its server is down does not say that it is up."""
    world = World(node_down=QUICK)
    up = world.add("pg-1", "primary")
    up.set(up=False, error=REFUSED)
    play.look(world, 10)
    world.add("pg-9", "primary", system_id="9")
    up.silent = True
    play.look(world, 20)
    assert play.life(world, "node_down") == ["pending", "firing", "unknown"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("authentication failed: no such role", "answers and has refused its agent for"),
        ("unknown host: no such name", "has not been seen by its agent for"),
    ],
)
def test_a_server_that_may_run_stays_a_warning(error: str, words: str) -> None:
    """However long its agent cannot read it."""
    world = World()
    up, down = world.pair()
    play.stream(world, 10)
    play.cut(up, down)
    up.set(up=False, error=error)
    play.look(world, 100)
    assert {t.severity for t in play.of(world, "node_down")} == {"warning"}
    assert words in play.last(world, "node_down").summary


def test_a_server_that_others_receive_from_stays_a_warning() -> None:
    """Its standby receives from it: its agent alone does not get there."""
    world = World()
    world.pair()
    play.stream(world, 10)
    play.stream(world, 100, lambda up, _: up.set(up=False, error="timeout: no answer"))
    assert {t.severity for t in play.of(world, "node_down")} == {"warning"}
    assert "(pg-2 still receives from it)" in play.last(world, "node_down").summary

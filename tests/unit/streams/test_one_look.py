"""A few samples that were taken together, judged at once."""

import pytest

from leadline_streams.judge.policy import Policy
from leadline_streams.judge.wiring import Wiring
from leadline_streams.one_look import CONFIRMS, OneLook
from tests.unit.streams.world import World, at


def looked(world: World, look: OneLook) -> None:
    """Look at a pair that streams, once."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    world.stream(up, down)
    look.take([up.sample(world.time), down.sample(world.time)])
    look.tick(at(world.time))
    world.time += 1


def test_a_link_that_was_found_late_is_judged_by_one_look_more() -> None:
    """Not without end: what is still unknown after the third look stays so."""
    world, look = World(), OneLook(Policy())
    world.pair()
    looked(world, look)
    looked(world, look)
    (state,) = look._clusters.values()
    (link,) = state.memory.links.values()
    assert link.verdict in ("idle", "healthy")
    assert not look._is_unjudged()
    link.verdict = "unknown"
    assert look.needs_another()
    for _ in range(CONFIRMS):
        looked(world, look)
    link.verdict = "unknown"
    assert not look._is_unjudged()


def test_no_link_is_found_when_nobody_looks_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be shown without having been judged."""
    world, look = World(), OneLook(Policy())
    world.pair()
    looked(world, look)
    (state,) = look._clusters.values()
    state.memory.rewire_at = state.memory.next_due = 0.0
    found: list[float] = []

    def discover(_: Wiring, now: float, __: object) -> None:
        state.memory.rewire_at = None
        found.append(now)

    monkeypatch.setattr(Wiring, "discover", discover)
    look.conclude(at(world.time))
    assert found == []

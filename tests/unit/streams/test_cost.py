"""The cost of a cluster grows with its size, not with the square of it, whatever is wrong with it."""

import cProfile
import pstats
from collections.abc import Callable

import pytest

from tests.unit.streams import crowds
from tests.unit.streams.crowds import Crowd

SIZES = (70, pytest.param(250, marks=pytest.mark.slow))
VERY_MANY = (200, pytest.param(2000, marks=pytest.mark.slow))
ROUNDS = 9
BREAKS_AT = 4
MOST_GROWTH = 2.6
"""Of twice the size: 2 is linear, and 4 the square."""

Break = Callable[[Crowd], None] | None


def paused(size: int) -> Crowd:
    """Standbys whose replay is paused."""
    return crowds.star(size, paused=True)


def calls(make: Callable[[int], Crowd], size: int, fails: Break) -> int:
    """Calls of functions while a cluster is judged: the same on every machine, however busy."""
    world, profile = make(size), cProfile.Profile()
    profile.enable()
    for second in range(ROUNDS):
        if second == BREAKS_AT and fails is not None:
            fails(world)
        world.step()
    profile.disable()
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("make", "fails"),
    [
        (crowds.star, None),
        (crowds.star, crowds.lose_all),
        (crowds.star, crowds.stop_all),
        (paused, None),
        (crowds.strangers, crowds.stop_all),
        (crowds.rivals, None),
        (crowds.unwatched, None),
        (crowds.lost_slots, None),
        (crowds.subscriptions, None),
    ],
)
def test_twice_the_size_is_twice_the_cost(make: Callable[[int], Crowd], fails: Break, size: int) -> None:
    """From the first sample on, while it is discovered, while it fails and while the causes are looked for."""
    calls(make, 8, fails)  # what is computed once for the process
    assert calls(make, 2 * size, fails) <= MOST_GROWTH * calls(make, size, fails)


@pytest.mark.parametrize("nodes", VERY_MANY)
def test_very_many_nodes_are_one_cluster(nodes: int) -> None:
    """Each link is found."""
    world = crowds.star(nodes)
    for _ in range(6):
        world.step()
    assert len(world.state.memory.links) == nodes - 1
    assert not any(link.agentless for link in world.state.memory.links.values())


@pytest.mark.parametrize("slots", VERY_MANY)
def test_very_many_lost_slots_are_one_incident(slots: int) -> None:
    """It shows the first of their alerts; each of them is on the alerts topic."""
    world = crowds.lost_slots(slots)
    for _ in range(10):
        world.step()
    assert len(world.state.memory.incidents) == 1
    assert sum(each.rule == "slot_lost" and each.to == "firing" for each in world.transitions) >= slots
    assert world.first_cause() == "slot_invalidated"

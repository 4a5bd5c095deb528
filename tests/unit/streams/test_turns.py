"""A large cluster is judged by and by: the same comes of it, and others never wait for long."""

from collections.abc import Callable
from typing import Any

import pytest

from leadline_streams.judge.cluster import TURN
from leadline_streams.judge.judging import STEP
from tests.unit.streams import crowds
from tests.unit.streams.crowds import Crowd
from tests.unit.streams.world import at

SIZE = 1300


class InTurns:
    """A cluster's state that leaves off after each turn, and goes on until all is judged."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self.turns: list[int] = []
        """The number of rows, links and timers that were judged in each."""
        state.in_turns = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def observe(self, seen: Any) -> list[Any]:
        """All outputs of an observation."""
        self._state.enqueue(seen)
        return self._all(self._state.evaluate)

    def tick(self, now: Any) -> list[Any]:
        """All outputs of a tick."""
        return self._all(lambda: self._state.tick(now))

    def _all(self, judged: Callable[[], list[Any]]) -> list[Any]:
        outputs, self._state.spent = [], 0
        while True:
            outputs += judged()
            self.turns.append(self._state.spent)
            self._state.spent, judged = 0, self._state.evaluate
            if not self._state.unfinished:
                return outputs


def played(make: Callable[[int], Crowd], fails: Callable[[Crowd], None] | None, *, in_turns: bool) -> Crowd:
    """A large cluster that is found, and fails."""
    world = make(SIZE)
    if in_turns:
        world.state = InTurns(world.state)  # type: ignore[assignment]
    for second in range(8):
        if second == 4 and fails is not None:
            fails(world)
        world.step()
    for seconds in (60, 120):  # silence
        world.outputs += world.state.tick(at(world.time + seconds))
    return world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "fails"),
    [(crowds.lost_slots, None), (crowds.subscriptions, None), (crowds.unwatched, crowds.stop_all)],
)
def test_the_same_comes_of_it_in_turns(make: Callable[[int], Crowd], fails: Callable[[Crowd], None] | None) -> None:
    """The same outputs in the same order, and the same state; no turn is much longer than the others."""
    whole, parts = played(make, fails, in_turns=False), played(make, fails, in_turns=True)
    assert parts.outputs == whole.outputs
    assert parts.state.dump() == whole.state.dump()
    turns: list[int] = parts.state.turns  # type: ignore[attr-defined]
    assert max(turns) <= TURN + STEP
    assert sum(turn >= TURN for turn in turns) > 10

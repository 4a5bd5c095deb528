"""The play of a scenario: which step is on, what it still waits for, and when everything was seen. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline_lab.demo.observed import Seen
from leadline_lab.demo.scenario import Expectation, Scenario, Step


@dataclass(frozen=True, slots=True)
class Saw:
    """An expectation was met, this long after the step began."""

    expectation: Expectation
    after_s: float


@dataclass(frozen=True, slots=True)
class Missed:
    """A step's time is over and this was not seen."""

    expectation: Expectation
    within_s: float


class Story:
    """Plays one scenario from step to step. Times are seconds that never go back.

    A step is begun, its deeds are done by whoever plays it, and ``look`` says what was seen of it. Where something is
    missed, the story ends.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.step: Step | None = None
        self.at: dict[str, float] = {}
        """When each step and expectation that has a key was reached."""
        self.missing: list[str] = []
        """What was not seen."""
        self._next = 0
        self._began = 0.0
        self._left: list[Expectation] = []
        self._rested: float | None = None

    @property
    def waits_for(self) -> list[str]:
        """What the present step has yet to show."""
        return [expectation.text for expectation in self._left]

    @property
    def over(self) -> bool:
        """Whether nothing is left to play."""
        return bool(self.missing) or (self.step is None and self._next == len(self.scenario.steps))

    @property
    def ok(self) -> bool:
        """Whether every step was played and seen."""
        return self.over and not self.missing

    @property
    def done(self) -> int:
        """How many steps are behind us."""
        return self._next - (self.step is not None)

    def begin(self, now: float) -> Step:
        """The next step begins."""
        assert self.step is None
        assert not self.over
        self.step = self.scenario.steps[self._next]
        self._next += 1
        self._began, self._left, self._rested = now, list(self.step.expect), None
        if self.step.key:
            self.at[self.step.key] = now
        return self.step

    def look(self, seen: Seen, now: float, *, doing: bool = False) -> Iterator[Saw | Missed]:
        """What became so, one after the other, or is overdue. While the deeds are being done the step does not end.

        The step ends when all of it was seen and it has rested.
        """
        step = self.step
        if step is None:
            return
        while self._left and self._left[0].met(seen):
            expectation = self._left.pop(0)
            if expectation.key:
                self.at[expectation.key] = now
            yield Saw(expectation, now - self._began)
        if doing:
            return
        if self._left and now - self._began > step.within_s:
            yield from (Missed(expectation, step.within_s) for expectation in self._left)
            self.missing, self.step = self.waits_for, None
        elif not self._left:
            self._rested = now if self._rested is None else self._rested
            if now - self._rested >= step.rest_s:
                self.step = None

    def fail(self, why: str) -> None:
        """End it here: a deed could not be done."""
        self.missing = [why, *self.waits_for]
        self.step = None

    def between(self, start: str, end: str) -> float | None:
        """Seconds from one moment to another; None when either was not reached."""
        if start not in self.at or end not in self.at:
            return None
        return round(self.at[end] - self.at[start], 1)

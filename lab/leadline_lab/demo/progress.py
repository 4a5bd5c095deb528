"""The progress of a scenario: the present step, what it still waits for, and when each moment was observed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from leadline_lab.demo.observed import Observed
from leadline_lab.demo.scenario import Expectation, Scenario, ScenarioStep


@dataclass(frozen=True, slots=True)
class Met:
    """An expectation was met, this long after the step began."""

    expectation: Expectation
    after_s: float


@dataclass(frozen=True, slots=True)
class Missed:
    """The time of a step is over, and this was not observed."""

    expectation: Expectation
    within_s: float


class Progress:
    """Goes through one scenario step by step. Times are of a monotonic clock, in seconds.

    The caller begins a step, performs its actions and calls ``evaluate`` again and again, which returns what was
    observed. The scenario ends at the first step of which something is missed.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.step: ScenarioStep | None = None
        self.at: dict[str, float] = {}
        """The time of each step and expectation that has a key."""
        self.missing: list[str] = []
        """The expectations that were not met."""
        self._next = 0
        self._began = 0.0
        self._left: list[Expectation] = []
        self._complete_at: float | None = None

    @property
    def waits_for(self) -> list[str]:
        """The expectations of the present step that are not met yet."""
        return [expectation.text for expectation in self._left]

    @property
    def over(self) -> bool:
        """Whether no step is left."""
        return bool(self.missing) or (self.step is None and self._next == len(self.scenario.steps))

    @property
    def ok(self) -> bool:
        """Whether every step was performed and observed."""
        return self.over and not self.missing

    @property
    def done(self) -> int:
        """The number of steps that are complete."""
        return self._next - (self.step is not None)

    def begin(self, now: float) -> ScenarioStep:
        """Begin the next step."""
        assert self.step is None
        assert not self.over
        self.step = self.scenario.steps[self._next]
        self._next += 1
        self._began, self._left, self._complete_at = now, list(self.step.expect), None
        if self.step.key:
            self.at[self.step.key] = now
        return self.step

    def evaluate(self, observed: Observed, now: float, *, busy: bool = False) -> Iterator[Met | Missed]:
        """The expectations that have been met since the last call, in order, or those that are overdue.

        The step ends when all of its expectations have been met and its pause is over. While ``busy``, when its actions
        are being performed, it does not end.
        """
        step = self.step
        if step is None:
            return
        while self._left and self._left[0].met(observed):
            expectation = self._left.pop(0)
            if expectation.key:
                self.at[expectation.key] = now
            yield Met(expectation, now - self._began)
        if busy:
            return
        if self._left and now - self._began > step.within_s:
            yield from (Missed(expectation, step.within_s) for expectation in self._left)
            self.missing, self.step = self.waits_for, None
        elif not self._left:
            self._complete_at = now if self._complete_at is None else self._complete_at
            if now - self._complete_at >= step.pause_s:
                self.step = None

    def fail(self, why: str) -> None:
        """End the scenario here: an action could not be performed."""
        self.missing = [why, *self.waits_for]
        self.step = None

    def between(self, start: str, end: str) -> float | None:
        """Seconds from one moment to another; None when either was not reached."""
        if start not in self.at or end not in self.at:
            return None
        return round(self.at[end] - self.at[start], 1)

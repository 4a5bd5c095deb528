"""One run of a fault's course on a topology."""

from collections.abc import Iterator
from typing import Generic, Protocol, Self, TypeVar

from leadline_lab.faults.fault import (
    AgentStarted,
    AgentStopped,
    Broken,
    ClockSet,
    Fault,
    Healed,
    Injected,
    Phase,
    Prepared,
    Steady,
)

T = TypeVar("T")


class Surroundings(Protocol):
    """The needs of a course besides the servers: time to pass, and the agents that watch them."""

    def steady(self, seconds: float) -> None:
        """Wait. Raises when an alert fires meanwhile."""
        ...

    def begins(self) -> None:
        """The fault begins now."""
        ...

    def stop_agent(self, node: str) -> None:
        """Stop the agent of a node."""
        ...

    def start_agent(self, node: str) -> None:
        """Start the agent of a node again."""
        ...

    def set_clock(self, node: str, ahead_s: float) -> None:
        """Set the clock of the host of a node's agent, ahead or behind."""
        ...


class Injection(Generic[T]):
    """Prepares, injects, heals and restores, in this order. Blocks while the servers are changed.

    The methods raise LeadlineError or psycopg.Error when a server does not do what the course asks of it.
    """

    def __init__(self, fault: Fault[T], topology: T) -> None:
        self.fault = fault
        self._course = fault.course(topology)
        self._surroundings: Surroundings | None = None

    def prepare(self) -> None:
        """Set up what the fault needs; the servers stay healthy."""
        self._run_to(Prepared)

    def inject(self, surroundings: Surroundings) -> Injected:
        """Break the servers. Returns what the diagnosis must hold beyond ``fault.expected``.

        For a control this runs its steady phases and returns at its end.
        """
        self._surroundings = surroundings
        surroundings.begins()
        reached = self._run_to(Injected)
        assert isinstance(reached, Injected) or self.fault.expected is None
        return reached if isinstance(reached, Injected) else Injected()

    def heal(self) -> bool:
        """Repair the servers. False when the fault cannot be repaired."""
        return self._run_to(Healed) is not None

    def restore(self) -> None:
        """Remove what ``prepare`` set up."""
        left = list(self._phases())
        assert not left, f"{self.fault.name} has more phases than it may: {left}"

    def close(self) -> None:
        """Abandon the course: close its sessions and stop its writers, and repair nothing."""
        self._course.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_to(self, wanted: type[Phase]) -> Phase | None:
        """Run the course to a phase; None when it ends before."""
        return next((phase for phase in self._phases() if isinstance(phase, wanted)), None)

    def _phases(self) -> Iterator[Phase]:
        """The phases that end a method; the others are for the surroundings."""
        for phase in self._course:
            if isinstance(phase, Prepared | Injected | Healed):
                yield phase
                continue
            assert self._surroundings is not None, f"{self.fault.name} is not prepared before {phase}"
            match phase:
                case Steady(seconds):
                    self._surroundings.steady(seconds)
                    self._surroundings.begins()
                case Broken():
                    self._surroundings.begins()
                case AgentStopped(node):
                    self._surroundings.stop_agent(node)
                case AgentStarted(node):
                    self._surroundings.start_agent(node)
                case ClockSet(node, ahead_s):
                    self._surroundings.set_clock(node, ahead_s)

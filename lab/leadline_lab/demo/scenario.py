"""The parts of a scenario: steps, each with actions and with what must then be observed."""

from collections.abc import Callable
from dataclasses import dataclass

from leadline_lab.demo.observed import Observed


@dataclass(frozen=True, slots=True)
class Load:
    """An application writes to a node from now on."""

    node: str
    rate: float
    """Transactions per second."""


@dataclass(frozen=True, slots=True)
class Configure:
    """A setting of a server is changed; the server is reloaded, or restarted."""

    node: str
    setting: str
    value: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Inject:
    """A fault of ``leadline_lab.faults`` is prepared and injected."""

    fault: str


@dataclass(frozen=True, slots=True)
class FollowAdvice:
    """The statements that the incident itself gives for a cause are run."""

    cause: str


@dataclass(frozen=True, slots=True)
class SkipConflict:
    """The transaction at which the subscription stops is skipped, by the finish LSN that the server log gives."""


@dataclass(frozen=True, slots=True)
class Repair:
    """The statements that ``leadline verify --repair-sql`` writes for a table are run."""

    table: str


@dataclass(frozen=True, slots=True)
class Export:
    """The draft of the post-mortem of each incident is exported from the incident log."""


Action = Load | Configure | Inject | FollowAdvice | SkipConflict | Repair | Export


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that must be observed. ``key`` names the moment for the report."""

    text: str
    met: Callable[[Observed], bool]
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep:
    """Actions, and what must be observed within a time from the step's beginning."""

    title: str
    actions: tuple[Action, ...] = ()
    expect: tuple[Expectation, ...]
    """In this order; a later one may have become true before."""
    within_s: float
    key: str = ""
    """Names the step's beginning for the report."""
    page: str = "/"
    """The page of the console that shows the step; ``{incident}`` stands for the newest incident."""
    pause_s: float = 0.0
    """Seconds for which the end of the step stays on the screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A sequence of steps on the demo's fleet."""

    name: str
    about: str
    expected_cause: str
    steps: tuple[ScenarioStep, ...]


def describe(action: Action) -> str:
    """An action in a few words. The changes that it makes are reported by the servers themselves."""
    match action:
        case Load(node, rate):
            return f"an application writes to {node}, {rate:g} transactions per second"
        case Configure(node, setting, value):
            return f"{setting} on {node} is set to {value}"
        case Inject(fault):
            return f"fault {fault} is injected"
        case FollowAdvice(cause):
            return f"the incident's fix for {cause} is applied"
        case SkipConflict():
            return "the transaction at which the subscription stops is skipped"
        case Repair(table):
            return f"leadline verify pg-1=... pg-4=... --table {table} --repair-sql repair.sql"
        case Export():
            return "leadline incidents export"

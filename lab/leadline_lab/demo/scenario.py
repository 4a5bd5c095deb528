"""What a scenario is made of: steps, each with what is done and what must then be observed."""

from collections.abc import Callable
from dataclasses import dataclass

from leadline_lab.demo.observed import Seen


@dataclass(frozen=True, slots=True)
class Writes:
    """An application writes to a node from now on."""

    node: str
    rate: float
    """Transactions per second."""


@dataclass(frozen=True, slots=True)
class Sets:
    """Somebody changes a server's setting, and reloads or restarts it."""

    node: str
    setting: str
    value: str
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Reads:
    """A session reads something and leaves its transaction open, with its snapshot."""

    node: str
    application: str
    statement: str


@dataclass(frozen=True, slots=True)
class Runs:
    """Somebody runs a statement."""

    node: str
    dbname: str
    statement: str


@dataclass(frozen=True, slots=True)
class Heeds:
    """Somebody runs the statements that the incident itself gives as the fix of a cause."""

    cause: str


@dataclass(frozen=True, slots=True)
class Exports:
    """Somebody asks for the draft of the post-mortem."""


Deed = Writes | Sets | Reads | Runs | Heeds | Exports


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that must be observed. ``key`` names the moment for the report."""

    text: str
    met: Callable[[Seen], bool]
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done, and what must be observed within a time of its beginning."""

    title: str
    deeds: tuple[Deed, ...] = ()
    expect: tuple[Expectation, ...]
    """In this order, though what comes later may have been so before."""
    within_s: float
    key: str = ""
    """Names the step's beginning for the report."""
    rest_s: float = 0.0
    """How long it is left standing afterwards, for whoever looks on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story that is played on the demo's fleet."""

    name: str
    about: str
    expected_cause: str
    steps: tuple[Step, ...]


def spoken(deed: Deed, seen: Seen) -> str:
    """A deed in one line, with what ``seen`` holds of it."""
    match deed:
        case Writes(node, rate):
            return f"an application writes to {node}, {rate:g} transactions a second"
        case Sets(node, setting, value, restart):
            then = "restart" if restart else "SELECT pg_reload_conf();"
            return f"on {node}: ALTER SYSTEM SET {setting} = '{value}'; {then}"
        case Reads(node, application, statement):
            return f"on {node}, {application}: BEGIN; {statement}; and no COMMIT"
        case Runs(node, dbname, statement):
            return f"on {node}, database {dbname}: {statement};"
        case Heeds(cause):
            fix = next((named.fix for named in seen.causes if named.code == cause), "")
            return f"as the incident says for {cause}: {fix}"
        case Exports():
            return "leadline incidents export"

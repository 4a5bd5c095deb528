"""The definition of a fault: its data, and the course that injects and heals it.

A course is a generator over a topology. It does its work between the phases that it yields, in this order:

1. ``Prepared``: everything the fault needs is there and healthy. Whoever observes the servers starts now.
2. ``Steady``, optional: normal operation for so many seconds. Nothing may be reported meanwhile.
3. ``Injected``: the servers are broken.
4. ``Healed``: they are repaired. A fault that cannot be repaired ends after ``Injected``.

What follows ``Healed`` removes the preparations. A control, which is a healthy situation, ends after ``Steady``.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from leadline.model.alert import Verdict
from leadline_lab.sandbox.fleet import Fleet

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Observation starts here."""


@dataclass(frozen=True, slots=True)
class Steady:
    """Normal operation for this long, without an alert."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Broken:
    """The fault begins here, where injecting it takes long; otherwise it begins after ``Prepared`` or ``Steady``."""


@dataclass(frozen=True, slots=True)
class AgentStopped:
    """The agent of this node is to be stopped now."""

    node: str


@dataclass(frozen=True, slots=True)
class AgentStarted:
    """The agent of this node is to be started again now."""

    node: str


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The clock of the host of this node's agent is to be set now."""

    node: str
    ahead_s: float
    """Behind when negative; 0 sets it right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """The servers are broken. The fields add to ``Expected`` what is known only now, such as a process id."""

    summary: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Healed:
    """The servers are repaired."""


Phase = Prepared | Steady | Broken | AgentStopped | AgentStarted | ClockSet | Injected | Healed
Course = Generator[Phase, None, None]


@dataclass(frozen=True, slots=True)
class Named:
    """A cause that the same incident names behind the first one."""

    code: str
    subject: str = ""
    """The end of its subject's identity."""
    summary: tuple[str, ...] = ()
    rank: int | None = None
    """Its place among the causes, 0 for the first; None for any."""
    at_once: bool = False
    """Whether the record that names the first cause names this one too; otherwise it may follow in a later record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The diagnosis that must follow the injection."""

    rule: str
    """It must fire."""
    cause: str
    """It must be ranked first in the open incident, and stay first to the end."""
    verdict: Verdict | None = None
    """The verdict on some link, or on the one that ``link`` names."""
    link: str = ""
    """The end of a link's identity."""
    subject: str = ""
    """The end of the identity of the first cause's subject."""
    title: str = ""
    """A part of the incident's title."""
    summary: tuple[str, ...] = ()
    """Parts of the first cause's summary."""
    change: tuple[str, ...] = ()
    """Parts of its summary that need a look before the fault: the setting that was changed, and its value before."""
    fix: tuple[str, ...] = ()
    """Parts of the first cause's fix."""
    confidence: float = 0.0
    """The first cause's confidence is higher than this."""
    others: tuple[Named, ...] = ()
    rules: tuple[str, ...] = ()
    """Further rules that must fire."""
    within_s: float = 15.0
    """From the beginning of the fault, with rules that fire after five seconds."""
    remains: str = ""
    """The cause that may be first at the end, of what remains for a while once the first one is repaired."""
    resolved_within_s: float = 30.0
    """From the healing to the end of the incident. A walreceiver needs a retry or two, a held stream its backlog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(Generic[T]):
    """A reproducible fault of replication on real servers, or a control when nothing is expected."""

    name: str
    description: str
    """One line of plain English: what is broken."""
    make: Callable[[Fleet], T]
    """Builds the topology that the fault needs."""
    course: Callable[[T], Course]
    expected: Expected | None
    since: int = 0
    """The first major version of PostgreSQL that has what the fault needs."""
    older: bool = False
    """Whether a short run of the zoo injects it on the older version too."""
    own_servers: bool = False
    """Whether it needs servers of its own, because it cannot be healed or changes them for good."""
    after: str = ""
    """The name of the fault that must be injected before and not healed."""
    restarts: bool = False
    """Whether the course restarts servers, which must not be reported as a fault of its own."""
    event_window: bool = False
    """Whether its rule counts events in a window, and resolves only when the window has passed."""
    limits: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """Limits that are set for a node: by node, rule and limit."""
    datacenters: Mapping[str, str] = field(default_factory=dict)
    """By node, for those that are not in the first datacenter."""
    without_agent: frozenset[str] = frozenset()
    """The names of servers for which nobody starts an agent."""
    needs_slot: bool = False
    """Whether it is about the slot of a standby, so that servers without one cannot have it."""
    late: Expected | None = None
    """The diagnosis where looking begins after the fault, if less can be known then."""
    shows_after_s: float = 0.0
    """Seconds from which on it differs from what is healthy, by the servers' own settings and intervals: looking
    that begins late begins no sooner."""
    no_trace: str = ""
    """The reason that nothing on the servers shows it afterwards; empty for a fault that leaves a state to be seen."""
    one_look: bool = True
    """Whether a single look can name the cause. Otherwise it shows only in what changes with time."""

    @property
    def topology(self) -> str:
        """The name of the topology: ``pair``, ``cascade``, ``logical`` and others."""
        return self.make.__name__.removeprefix("make_")


def fault(
    make: Callable[[Fleet], T], expected: Expected, *, variant: str = "", **fields: Any
) -> Callable[[Callable[[T], Course]], Fault[T]]:
    """Turn a course into a fault, named after the function and described by its docstring.

    ``variant`` is appended to the name where one function makes several faults. ``fields`` are fields of ``Fault``.
    """
    return _decorator(make, expected, variant, fields)


def control(
    make: Callable[[Fleet], T], *, variant: str = "", **fields: Any
) -> Callable[[Callable[[T], Course]], Fault[T]]:
    """Turn a course into a control: a healthy situation, of which nothing may be reported."""
    return _decorator(make, None, variant, fields)


def _decorator(
    make: Callable[[Fleet], T], expected: Expected | None, variant: str, fields: Mapping[str, Any]
) -> Callable[[Callable[[T], Course]], Fault[T]]:
    def decorate(course: Callable[[T], Course]) -> Fault[T]:
        name = "_".join(filter(None, (course.__name__, variant)))
        (description, *_) = (course.__doc__ or "").strip().splitlines()
        return Fault(name=name, description=description, make=make, course=course, expected=expected, **fields)

    return decorate

"""What a rule is and what it may look at.

A rule measures one number about one subject; the lifecycle compares it with limits and time. To add one, write one
file in ``leadline_streams/rules`` that defines ``RULE``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Final

from leadline.model.alert import Evidence, SubjectKind
from leadline.model.observation import Slot, Subscription
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.state import LinkState, NodeState

if TYPE_CHECKING:
    from leadline_streams.judge.cluster import ClusterState

UNKNOWN: Final = nan
"""What ``measure`` returns when it cannot be known now: an alert neither clears nor breaches."""


class Look:
    """What a rule sees: the subject it is asked about and everything around it. Read only.

    ``node`` is the subject itself, or the node a slot or subscription lives on, or a link's downstream when an agent
    looks at it. ``up`` is a link's upstream when an agent looks at it. ``now`` is event time in seconds.
    """

    __slots__ = ("cluster", "link", "node", "now", "slot", "subscription", "up")

    def __init__(self, cluster: "ClusterState", now: float) -> None:
        self.cluster = cluster
        self.now = now
        self.node: NodeState | None = None
        self.up: NodeState | None = None
        self.link: LinkState | None = None
        self.slot: Slot | None = None
        self.subscription: Subscription | None = None

    @property
    def kind(self) -> SubjectKind:
        """What the subject is; a cluster where nothing in it is looked at."""
        if self.link is not None:
            return "link"
        if self.slot is not None:
            return "slot"
        if self.subscription is not None:
            return "subscription"
        return "node" if self.node is not None else "cluster"


@dataclass(frozen=True, slots=True)
class Words:
    """What a rule says about a breach: one line for people, and the facts."""

    summary: str
    evidence: list[Evidence]


Measure = Callable[[Look], float | None]
Describe = Callable[[Look, float], Words]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``measure`` returns None when it does not apply or all is well, UNKNOWN when it cannot be known."""

    name: str
    family: str
    on: SubjectKind
    unit: str
    help: str
    limits: Limits
    measure: Measure
    describe: Describe
    window_s: float = 0.0
    """The span of event time its number speaks about; 0 for an instant."""
    outlives_data: bool = False
    """Whether it can be measured while the node is silent or down; all others become unknown then."""

    @property
    def runbook(self) -> str:
        """Where its runbook is."""
        return f"docs/runbooks/{self.name}.md"


def fact(name: str, value: object, node: str | None = None, note: str | None = None) -> Evidence:
    """One piece of evidence; floats are shortened for people."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return Evidence(name=name, value=text, node=node, note=note)

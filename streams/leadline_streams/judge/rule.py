"""A rule, and the read-only contexts that rules measure: one type per kind of subject.

A rule measures one number about one subject; the lifecycle compares it with limits and time. To add one, write one
file in ``leadline_streams/rules`` that defines ``RULE``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from leadline.catalogue import RULES
from leadline.catalogue.entry import RuleEntry
from leadline.model.alert import Evidence, Subject, SubjectKind
from leadline.model.ids import ClusterName
from leadline.model.replication import Slot, Subscription
from leadline_streams.judge import subject
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.nodes import Sign
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.problem_state import ReportState

UNKNOWN: Final = nan
"""Returned by ``measure`` when the number cannot be known now: an alert neither clears nor breaches."""


Derived = TypeVar("Derived")


class ClusterView(Protocol):
    """The state of a cluster as rules and causes may read it."""

    @property
    def cluster(self) -> ClusterName:
        """The cluster's name."""
        ...

    @property
    def nodes(self) -> Mapping[str, NodeState]:
        """Every node by name."""
        ...

    @property
    def links(self) -> Mapping[str, LinkState]:
        """Every link by identity."""
        ...

    @property
    def reports(self) -> Mapping[str, ReportState]:
        """The last report of each source of findings."""
        ...

    def having(self, *signs: Sign) -> Sequence[NodeState]:
        """The nodes that lately showed all of these, in their order; see ``Nodes``."""
        ...

    def above(self, node: str) -> Sequence[LinkState]:
        """The links that end at a node."""
        ...

    def below(self, node: str) -> Sequence[LinkState]:
        """The links that begin at a node."""
        ...

    def around(self, node: str) -> Sequence[LinkState]:
        """The links that end or begin at a node, each once."""
        ...

    def derived(self, build: "Callable[[ClusterView], Derived]") -> Derived:
        """The result of a function of the whole cluster; computed once while one subject is judged."""
        ...


@dataclass(frozen=True, slots=True)
class ClusterContext:
    """A whole cluster, at a moment of event time in seconds. Base of all contexts; read only."""

    kind: ClassVar[SubjectKind] = "cluster"
    cluster: ClusterView
    now: float

    @property
    def subject(self) -> Subject:
        """The identity of what is measured."""
        return subject.of_cluster(self.cluster.cluster)


@dataclass(frozen=True, slots=True)
class NodeContext(ClusterContext):
    """A node, with its last sample if there was one."""

    kind: ClassVar[SubjectKind] = "node"
    node: NodeState

    @property
    def subject(self) -> Subject:
        """The node."""
        return subject.of_node(self.cluster.cluster, self.node.name)


@dataclass(frozen=True, slots=True)
class SlotContext(NodeContext):
    """A slot, and the node that it is on."""

    kind: ClassVar[SubjectKind] = "slot"
    slot: Slot

    @property
    def subject(self) -> Subject:
        """The slot."""
        return subject.of_slot(self.cluster.cluster, self.node.name, self.slot.name)


@dataclass(frozen=True, slots=True)
class SubscriptionContext(NodeContext):
    """A subscription, and its subscriber."""

    kind: ClassVar[SubjectKind] = "subscription"
    subscription: Subscription

    @property
    def subject(self) -> Subject:
        """The subscription."""
        return subject.of_subscription(self.cluster.cluster, self.node.name, self.subscription.name)


@dataclass(frozen=True, slots=True)
class LinkContext(ClusterContext):
    """A link and its ends."""

    kind: ClassVar[SubjectKind] = "link"
    link: LinkState
    up: NodeState | None
    """The upstream; None when no agent reads it."""
    down: NodeState | None
    """The downstream; None when no agent reads it, or it does not answer now."""
    engine: Engine
    limits: "Callable[[RuleBase], Limits]"
    """The limits of a rule for this link."""

    @property
    def subject(self) -> Subject:
        """The link."""
        return subject.of_link(self.link)


ContextT = TypeVar("ContextT", bound=ClusterContext)
Measure = Callable[[ContextT], float | None]
Describe = Callable[[ContextT, float], "Words"]


@dataclass(frozen=True, slots=True)
class Words:
    """A breach in words: one line for people, and the evidence."""

    summary: str
    evidence: list[Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBase:
    """A rule as the lifecycle of its alerts needs it, whoever finds its values."""

    name: str
    """Its code, with an entry in ``leadline.catalogue``."""
    limits: Limits
    window_s: float = 0.0
    """The span of event time that its number covers; 0 for an instant."""
    outlives_data: bool = False
    """Whether it can be measured while the node is silent or down; all others become unknown then."""

    @property
    def entry(self) -> RuleEntry:
        """Its entry in the catalogue. Raises KeyError when it has none."""
        return RULES[self.name]

    def words(self, context: ClusterContext | None, value: float) -> Words:
        """A breach in words. ``context`` is None when its subject is not in the samples any more."""
        return Words("", [])


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRule(RuleBase):
    """The rule of a stored alert that this version does not have."""

    @property
    def entry(self) -> RuleEntry:
        """An entry without words."""
        return RuleEntry(code=self.name, family="", on="cluster", unit="", help="", impact="", over="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(RuleBase, Generic[ContextT]):
    """A rule that measures samples.

    ``measure`` returns None when it does not apply or all is well, UNKNOWN when the number cannot be known.
    """

    on: type[ContextT]
    """The subjects that it measures."""
    measure: Measure[ContextT]
    describe: Describe[ContextT]

    def words(self, context: ClusterContext | None, value: float) -> Words:
        """A breach in words."""
        return self.describe(context, value) if isinstance(context, self.on) else Words("", [])


AnyRule = Rule[Any]


def fact(name: str, value: object, node: str | None = None, note: str | None = None) -> Evidence:
    """One piece of evidence; floats are shortened for people."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return Evidence(name=name, value=text, node=node, note=note)

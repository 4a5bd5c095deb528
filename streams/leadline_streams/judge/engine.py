"""An engine as the judgement needs it: samples as links, integer positions, and what the ends of a link show.

The fold compares positions as whole numbers and never sees the servers' form of them. An engine turns each sample into
that form. All methods are pure and cheap: they run for every sample of every node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from leadline.model.alert import Evidence
from leadline.model.finding import EngineVitals
from leadline.model.incident import Step
from leadline.model.node import LinkKind, Node, Unit
from leadline.model.observation import Sample
from leadline.model.replication import Downstream, Slot, Subscription
from leadline.model.status import SlotStatus
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState, Reach
from leadline_streams.judge.state import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTraits:
    """Behaviour of links of one kind."""

    unit: Unit = "bytes"
    slack: int = 0
    """Positions that differ by no more than this are the same: the end of an idle upstream may not be sent yet."""
    behind_s: float = 3.0
    """Lag below this is healthy: confirmations arrive that late on an idle link."""
    confirms_commits: bool = False
    """Whether the downstream confirms each commit and nothing else: then a gap within the slack is still work, and
    only a lag shows that work is not done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkReading:
    """The present state of a link as its ends' last samples show it. None where no end shows it."""

    connected: bool | None = None
    position: int | None = None
    """Up to where the downstream has applied."""
    received: int | None = None
    servable: int | None = None
    """Up to where the upstream can serve; None for the root's newest position."""
    lag_at_most_s: float | None = None
    """An upper bound of the lag by the primary's clock, for a position from before the first sample."""
    broken: bool = False
    """Whether it cannot go on without a repair."""
    failing: bool = False
    """Whether it fails again and again: broken as soon as it makes no progress."""
    paused: bool = False
    blocked: bool = False
    """Whether applying waits for somebody's lock."""
    waits: bool = False
    """Whether applying what was received waits for a session: a stall without progress, however little is behind."""
    held_back: bool = False
    """Whether the sender holds back what it could send: a stall as soon as there is no progress."""
    apply_delay_s: float = 0.0
    """Configured delay of applying."""
    one_history: bool = False
    """Whether both ends were seen and count their positions in one history: the downstream cannot have more."""
    seen_at: float = 0.0
    """When the downstream had reported ``position``."""
    upstream_seen_at: float = 0.0
    """When the look at the upstream began that gave its newest position, by the same clock if the agents share one."""
    confirms_every_s: float = 0.0
    """The longest time between two confirmations of a downstream that confirms periodically only."""
    unconfirmed: bool = False
    """Whether a single look shows that a connected downstream had time to confirm something, and did not."""


@dataclass(frozen=True, slots=True)
class LinkParts:
    """The rows of the ends' samples that belong to one link. None where there is none, or its node does not answer."""

    row: Downstream | None = None
    """The sender's row."""
    slot: Slot | None = None
    """The upstream's slot."""
    subscription: Subscription | None = None


class Engine(Protocol):
    """An engine of the judgement."""

    name: str
    unit: Unit
    """Of its positions."""

    @property
    def vitals(self) -> type[EngineVitals] | None:
        """The vitals that its agents send; None where they send whole samples only."""
        ...

    def traits(self, kind: LinkKind) -> LinkTraits:
        """Behaviour of links of a kind."""
        ...

    def capabilities(self, node: Node) -> frozenset[str]:
        """Names of what a node's version can report and do. Rules and causes ask for these, never for a version."""
        ...

    def lineage(self, sample: Sample) -> str | None:
        """Names the data that a server holds a copy of. Two that take writes in one lineage are a split brain."""
        ...

    def takes_writes(self, sample: Sample) -> bool:
        """Whether applications can write to a server."""
        ...

    def validate(self, sample: Sample) -> None:
        """Check what a sample must hold beyond its types. Raises BadRecord with the path of what is wrong."""
        ...

    def take(self, node: NodeState, before: Sample | None, sample: Sample, now: float, upstream_seen: bool) -> None:
        """Update the state of a node beside its last sample: its newest position, counters, retention of slots.

        ``upstream_seen``: an agent reads the node that it follows.
        """
        ...

    def shows_within_s(self, memory: Memory, node: NodeState, now: float) -> float:
        """Seconds from the first look in which a node shows by itself why something of it fails; 0 where nothing is to
        be waited for."""
        ...

    def same_neighbours(self, before: Sample, after: Sample) -> bool:
        """Whether two samples of a node name the same neighbours; if not, ``discover`` is called."""
        ...

    def discover(self, memory: Memory, now: float) -> None:
        """Bring all links of the engine's nodes up to date; only nodes that answer shape links.

        Sets ``memory.rewire_at`` when more will be known later without a change in any sample.
        """
        ...

    def reach(self, error: str, code: str | None) -> Reach:
        """The state of a server that its agent could not read, from the reason that the agent gives, and from the
        error code that the server answered with, if it did."""
        ...

    def kind_of(self, link: LinkState, down: NodeState | None) -> LinkKind:
        """The kind of a link as its downstream shows it now."""
        ...

    def blindness(self, sample: Sample) -> str | None:
        """The reason that a sample shows only a part of its server, and the statement that changes it.

        None when it shows everything that is judged.
        """
        ...

    def worded(self, step: Step, nodes: Mapping[str, NodeState]) -> Step | None:
        """A step in the ways of the server that it is about; None where whoever runs the server does it by itself."""
        ...

    def read_link(self, link: LinkState, up: NodeState | None, down: NodeState | None, now: float) -> LinkReading:
        """The present state of a link. ``up`` and ``down`` are its ends, None where no agent reads them."""
        ...

    def parts(self, link: LinkState, up: NodeState | None, down: NodeState | None) -> LinkParts:
        """The rows of the ends' samples that belong to a link."""
        ...

    def apply_waits(self, link: LinkState, down: NodeState | None) -> list[Evidence]:
        """Evidence of what the process that applies a link's changes waits for."""
        ...

    def position_of(self, node: NodeState) -> str | None:
        """The newest position of a server by its last look, as the servers write it; None when it is not known."""
        ...

    def slots_of(self, node: NodeState) -> list[SlotStatus]:
        """The slots of a server, the most urgent first; not all where there are many, and none while it is not up.

        Called when its status is due.
        """
        ...

    def format_position(self, position: int) -> str:
        """A position as the servers write it."""
        ...

    def node_is_healthy(self, node: NodeState) -> bool:
        """Whether no rule about the node needs to be asked because of its sample. False is always right."""
        ...

    def slot_is_healthy(self, slot: Slot) -> bool:
        """Whether no rule about the slot needs to be asked. False is always right."""
        ...

    def link_is_healthy(self, link: LinkState, down: NodeState | None) -> bool:
        """Whether no rule about the link needs to be asked because of its ends' samples. False is always right."""
        ...

    def may_skip_node(self, node: NodeState) -> bool:
        """Whether the fast path may take the node's next sample. False is always right."""
        ...

    def may_skip_link(self, link: LinkState) -> bool:
        """Whether the fast path may take the link at its downstream's next sample. False is always right."""
        ...

    def take_fast(self, node: NodeState, sample: Sample, now: float, upstream_seen: bool) -> bool:
        """Take a sample that shows nothing new; False, and nothing is changed but the clock, when it may show more."""
        ...

    def judge_fast(self, link: LinkState, up: NodeState | None, sample: Sample, now: float) -> bool:
        """Judge a link that is still caught up, and count it; False, and nothing is changed, when it may not be."""
        ...

    def take_vitals(self, node: NodeState, vitals: EngineVitals, now: float, upstream_seen: bool) -> bool:
        """The same as ``take_fast``, of a healthy node whose last sample is the base of the vitals or stands on it."""
        ...

    def judge_vitals(self, link: LinkState, up: NodeState | None, vitals: EngineVitals, now: float) -> bool:
        """The same as ``judge_fast``, by the vitals of the downstream."""
        ...

"""The state of one cluster between observations, and its bytes.

Everything here is plain data: slotted, typed, compared by content, written as MessagePack. Times are event time in
seconds since the epoch.
"""

from collections.abc import Callable, Sequence
from math import inf
from sys import intern
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from leadline import interned_decode
from leadline.catalogue import RULES
from leadline.model.ids import ClusterName
from leadline.model.incident import Change
from leadline.model.observation import Sample
from leadline.model.vitals import Vitals
from leadline_streams.judge import packed_vitals, shared_texts
from leadline_streams.judge.audit_state import AuditState
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.links import Links
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.nodes import Nodes, Sign
from leadline_streams.judge.packed_sample import PackedSample
from leadline_streams.judge.problem_state import AlertState, IncidentState, ReportState
from leadline_streams.judge.server_settings import ServerSettings
from leadline_streams.judge.sources import SavedVitals, WaitingVitals
from leadline_streams.judge.watermark import Arrivals

Derived = TypeVar("Derived")

LARGE = 64
"""A cluster with more nodes, or more links and alerts, is large: what looks at all of them is done at intervals."""
STANDING = frozenset(code for code, entry in RULES.items() if entry.standing)
"""Rules whose numbers move only with settings and neighbours."""


class Memory(Struct, omit_defaults=True):
    """The state of a cluster."""

    cluster: ClusterName
    arrivals: Arrivals = field(default_factory=Arrivals)
    nodes: dict[str, NodeState] = field(default_factory=Nodes)
    """Always ``Nodes``, like ``links``."""
    links: dict[str, LinkState] = field(default_factory=Links)
    """Always ``Links``, which MessagePack cannot tell from others."""
    alerts: dict[str, AlertState] = field(default_factory=dict)
    seqs: dict[str, int] = field(default_factory=dict)
    """Last sequence number of alerts that are closed now: of those that closed last."""
    seq_floor: int = 0
    """The highest number of those that are no longer in ``seqs``: all others go on from here."""
    retired: dict[str, float] = field(default_factory=dict)
    """Nodes that were forgotten, with the time when an agent last reported that one does not answer."""
    sweep_at: float = 0.0
    """When nodes that are gone are looked for again."""
    standing_at: float = 0.0
    """Standing rules are measured with the first observation from this time on."""
    incident: IncidentState | None = None
    """Of states that were saved when a cluster had one incident at most; ``load`` moves it to ``incidents``."""
    incidents: list[IncidentState] = field(default_factory=list)
    """Open incidents, in the order of their opening."""
    ended: list[IncidentState] = field(default_factory=list)
    """Incidents that ended a short time ago, oldest first."""
    diagnose_at: float = inf
    """When the causes of its open alerts are looked for again."""
    changes: list[Change] = field(default_factory=list)
    """Recent configuration changes, oldest first."""
    reports: dict[str, ReportState] = field(default_factory=dict)
    """Sources of reported findings, by name."""
    audit: AuditState = field(default_factory=AuditState)
    """Looks at how its servers are set up, and findings of the audit."""
    beyond: dict[str, dict[str, float]] = field(default_factory=dict)
    """Things beyond a limit, by kind and name, with the time when each was last seen; see ``limits``."""
    news: bool = False
    """Whether there were transitions since the causes were looked for."""
    diagnosed_at: float = 0.0
    """When the causes were last looked for."""
    rewire_at: float | None = None
    """When links are discovered again although no sample shows a change."""
    wired_at: float = 0.0
    """When links were last discovered."""
    whole_at: float = 0.0
    """When the rules of the cluster as a whole were last measured."""
    next_due: float = 0.0
    """Nothing becomes due before; may be too early, never too late."""

    @property
    def is_failing(self) -> bool:
        """Whether an alert is open that samples can change."""
        return bool(self.alerts) and any(alert.rule not in STANDING for alert in self.alerts.values())

    def having(self, *signs: Sign) -> Sequence[NodeState]:
        """The nodes that lately showed all of these, in their order."""
        return self.nodes.having(*signs)  # type: ignore[attr-defined,no-any-return]  # Nodes

    def above(self, node: str) -> Sequence[LinkState]:
        """The links that end at a node, oldest first."""
        return self.links.above(node)  # type: ignore[attr-defined,no-any-return]  # Links

    def below(self, node: str) -> Sequence[LinkState]:
        """The links that begin at a node, oldest first."""
        return self.links.below(node)  # type: ignore[attr-defined,no-any-return]  # Links

    def around(self, node: str) -> Sequence[LinkState]:
        """The links that end or begin at a node, each once."""
        return [*self.above(node), *(link for link in self.below(node) if link.downstream != node)]

    def derived(self, build: "Callable[[Memory], Derived]") -> Derived:
        """The result of a function of the cluster as it is now."""
        return build(self)

    def dump(self) -> bytes:
        """The memory as bytes."""
        return _ENCODER.encode(self)


def _plain(value: Any) -> Any:
    """The arrays of a ``PositionClock`` are written as lists."""
    if isinstance(value, WaitingVitals):
        return value.saved()
    if isinstance(value, PackedSample):
        return value.unpack()
    return value.plain() if isinstance(value, ServerSettings) else list(value)


def _share_texts(memory: Memory) -> None:
    """Let each name in a memory that was just read be one object."""
    for holder in (*memory.nodes.values(), *memory.links.values(), *memory.arrivals.sources.values()):
        shared_texts.share(holder)
    for link in memory.links.values():
        if link.sender is not None:
            pid, name, slot = link.sender
            link.sender = pid, intern(name), intern(slot) if slot is not None else None
        for window in (link.brief, link.long):
            window.settle()
    memory.links = Links(shared_texts.keyed(memory.links))
    memory.nodes = Nodes(shared_texts.keyed(memory.nodes))
    arrivals = memory.arrivals
    arrivals.sources = shared_texts.keyed(arrivals.sources)
    arrivals.awaited = shared_texts.keyed(arrivals.awaited)
    arrivals.waiting = [
        (time, intern(name), seq, intern(boot), seen.waiting() if isinstance(seen, SavedVitals) else seen)
        for time, name, seq, boot, seen in arrivals.waiting
    ]


def _made(kind: Any, plain: Any) -> Any:
    return ServerSettings.read(plain) if kind is ServerSettings else kind(plain)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_plain)
_DECODER = msgspec.msgpack.Decoder(Memory, dec_hook=_made)


def load(data: bytes) -> Memory:
    """The memory whose ``dump`` gave these bytes. Raises msgspec.ValidationError for another version's bytes."""
    memory = _DECODER.decode(data)
    _share_texts(memory)
    kept = {name: [node.kept] for name, node in memory.nodes.items() if isinstance(node.kept, Sample)}
    for _, name, _, _, seen in memory.arrivals.waiting:
        if isinstance(seen, Sample):
            kept.setdefault(name, []).append(seen)
    for name, node in memory.nodes.items():
        if isinstance(node.vitals, Vitals):
            node.vitals = packed_vitals.pack(node.vitals)
        node.node = interned_decode.share(node.node, *kept.get(name, ()))
        for sample in kept.get(name, ()):
            if sample is node.kept and node.vitals is not None:
                node.kept = PackedSample.of(sample)
            else:
                interned_decode.share_texts(sample)
    incident, memory.incident = memory.incident, None
    if incident is not None:
        incident.began_at = incident.detected_at
        memory.incidents.append(incident)
        for alert in memory.alerts.values():
            page = alert.rule in RULES and RULES[alert.rule].pages(alert.severity)
            if alert.id in incident.alerts and alert.state != "pending" and page:
                alert.incident = incident.id
                incident.subjects.append(alert.subject)
        memory.diagnose_at = 0.0
    return memory

"""What is remembered of one cluster between observations, and its bytes.

Everything here is plain data: slotted, typed, compared by content, written as MessagePack. Times are event time in
seconds since the epoch.
"""

import msgspec

from leadline.model.alert import Severity, State, Subject, Verdict
from leadline.model.ids import AlertId, IncidentId, LinkId, NodeName
from leadline.model.incident import Cause, Change, TimelineEntry
from leadline.model.observation import Disk, LinkKind, Node, Sample, SettingValue
from leadline_streams.judge.lsn_clock import LsnClock
from leadline_streams.judge.order import Arrivals
from leadline_streams.judge.retention import Held
from leadline_streams.judge.window import Window

STAND_IN_S = 5.0
"""How long an end that only the other speaks of may still turn out to have an agent."""


class NodeState(msgspec.Struct):
    """A node as last judged."""

    name: NodeName
    node: Node
    seen: float
    """When its agent was last heard."""
    sample: Sample | None = None
    """The last look that the server answered."""
    up: bool = True
    error: str | None = None
    down_since: float | None = None
    stale: bool = False
    """Its agent has been silent for too long: what is known of it is no longer evidence."""
    clock: LsnClock = msgspec.field(default_factory=LsnClock)
    """When its log ended where, as a primary told it, or as a receiver told it of an upstream without an agent."""
    settings: dict[str, SettingValue] = {}
    disk: Disk | None = None
    """As last told: not every sample looks at the files."""
    unconfirmed: bool = False
    """Whether one of its standbys owes it an answer for log that it sent."""
    unarchived: int | None = None
    """Segments that waited to be archived, as last told."""
    held: dict[str, Held] = {}
    """Its slots that keep much log, by name."""
    upstream: NodeName | None = None
    """The node it follows by physical replication."""
    writable_since: float | None = None
    """When it was first seen out of recovery, in this run of being so."""
    windows: dict[str, Window] = {}
    """Counters that rise when something goes wrong, by name; created when they first rise."""
    since: dict[str, float] = {}
    """When a condition that lasts began, by name."""

    @property
    def answers(self) -> bool:
        """Whether the last look is recent and the server answered it."""
        return self.up and not self.stale and self.sample is not None

    @property
    def down(self) -> bool:
        """Whether its agent is there and could not read the server."""
        return not self.up and not self.stale

    @property
    def writable(self) -> bool:
        """Whether it answers and is out of recovery."""
        return self.answers and self.node.role == "primary"


class Rollup(msgspec.Struct):
    """Lag of one link in one window of event time, as far as it has come."""

    index: int = -1
    samples: int = 0
    known: int = 0
    lag_sum: float = 0.0
    lag_min: float = 0.0
    lag_max: float = 0.0
    lag_last: float | None = None
    bytes_max: int | None = None
    bytes_last: int | None = None
    verdicts: dict[str, int] = {}


class LinkState(msgspec.Struct):
    """A link as last judged."""

    id: LinkId
    upstream: NodeName
    downstream: NodeName
    kind: LinkKind
    name: str = ""
    """The subscription of a logical link."""
    slot: str | None = None
    created_at: float = 0.0
    agentless: bool = False
    """Nobody looks at the downstream: it is judged by what its sender says."""
    headless: bool = False
    """Nobody looks at the upstream: it is judged by what its receiver says."""
    connected: bool = False
    cut_since: float | None = None
    verdict: Verdict = "unknown"
    verdict_since: float = 0.0
    position: int | None = None
    """What the downstream has applied, in bytes of log."""
    received: int | None = None
    moved_at: float = 0.0
    """When ``position`` last moved, or had nothing to move to."""
    lag_s: float | None = None
    """Behind the primary at the root, in seconds of its clock."""
    lag_bytes: int | None = None
    hop_bytes: int | None = None
    """Behind its own upstream."""
    anchor_at: float = 0.0
    anchor_s: float = 0.0
    anchor_bytes: int = 0
    growth_s: float | None = None
    """Seconds of lag gained per second, over the last 5 to 10 seconds."""
    growth_bytes: float | None = None
    """Bytes of lag gained per second."""
    brief: Rollup = msgspec.field(default_factory=Rollup)
    long: Rollup = msgspec.field(default_factory=Rollup)

    def is_settled(self, now: float) -> bool:
        """Whether it is here to stay: a stand-in for an end whose own agent has not been heard yet is not."""
        return not (self.agentless or self.headless) or now - self.created_at >= STAND_IN_S


class AlertState(msgspec.Struct):
    """An alert that is pending, firing or unknown."""

    id: AlertId
    rule: str
    subject: Subject
    owner: NodeName
    """The node whose samples decide it."""
    state: State
    severity: Severity
    since: float
    """First breach of this period."""
    due: float | None
    """When pending turns to firing."""
    seq: int = 0
    value: float | None = None
    threshold: float = 0.0
    clear_since: float | None = None
    lower_since: float | None = None
    """Since when a critical alert has only been worth a warning."""


class IncidentState(msgspec.Struct):
    """The open incident of a cluster."""

    id: IncidentId
    opened_at: float
    detected_at: float
    seq: int = 0
    severity: Severity = "warning"
    title: str = ""
    titles: dict[str, str] = {}
    """What each cause would call it, those whose signs are gone too."""
    named_at: dict[str, float] = {}
    """When each cause was first named."""
    alerts: list[AlertId] = []
    """Every alert that was part of it, in the order of firing."""
    rules: list[str] = []
    """Their rules, each once."""
    causes: list[Cause] = []
    cause_at: float | None = None
    changes: list[Change] = []
    timeline: list[TimelineEntry] = []
    quiet_since: float | None = None
    diagnosed_at: float = 0.0


class Memory(msgspec.Struct):
    """All that is remembered of a cluster."""

    cluster: str
    arrivals: Arrivals = msgspec.field(default_factory=Arrivals)
    nodes: dict[str, NodeState] = {}
    links: dict[str, LinkState] = {}
    alerts: dict[str, AlertState] = {}
    seqs: dict[str, int] = {}
    """Last sequence number of alerts that are closed now."""
    incident: IncidentState | None = None
    changes: list[Change] = []
    """Recent configuration changes, oldest first."""
    next_due: float = 0.0
    """Nothing becomes due before; may be too early, never too late."""

    def dump(self) -> bytes:
        """The memory as bytes."""
        return _ENCODER.encode(self)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Memory)


def load(data: bytes) -> Memory:
    """The memory whose ``dump`` gave these bytes. Raises msgspec.ValidationError for another version's bytes."""
    return _DECODER.decode(data)

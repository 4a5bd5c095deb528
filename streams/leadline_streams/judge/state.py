"""The state of one cluster between observations, and its bytes.

Everything here is plain data: slotted, typed, compared by content, written as MessagePack. Times are event time in
seconds since the epoch.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct, field

from leadline import interned_decode
from leadline.catalogue import RULES
from leadline.model.alert import Severity, State, Subject, Verdict
from leadline.model.finding import EngineVitals
from leadline.model.ids import AlertId, ClusterName, IncidentId, LinkId, NodeName
from leadline.model.incident import Cause, Change, TimelineEntry
from leadline.model.observation import (
    Disk,
    LinkKind,
    Node,
    RefusedTable,
    Sample,
    SenderTimeout,
    ServerLog,
    SettingValue,
    SlowTable,
    Tables,
    Unit,
)
from leadline_streams.judge.counters import Window
from leadline_streams.judge.links import Links
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.watermark import Arrivals

Reach = Literal["gone", "hangs", "locked_out", "not_ready", "unseen"]
"""The state of a server that its agent could not read: it is not there, does not answer, answers and refuses its agent,
answers and admits nobody yet or any more, or nothing of it was seen."""

Derived = TypeVar("Derived")

LARGE = 64
"""A cluster with more nodes, or more links and alerts, is large: what looks at all of them is done at intervals."""
STANDING = frozenset(code for code, entry in RULES.items() if entry.standing)
"""Rules whose numbers move only with settings and neighbours."""
STAND_IN_S = 5.0
"""A link end without an agent is provisional for this long: its agent may still report."""


class Held(Struct, omit_defaults=True):
    """Bytes retained for one slot, and their trend over the last 15 to 30 seconds."""

    at: float
    count: int
    """Bytes retained at ``at``."""
    growth: float | None = None
    """Bytes per second; None until there are two readings far enough apart."""
    early: bool = False
    """Whether ``growth`` covers less than the span: each reading corrects it."""
    decoded: int = 0
    """Bytes decoded before the slot began to retain much: one look may show both at once."""


class IdleState(Struct, omit_defaults=True):
    """An enabled subscription that receives nothing."""

    since: float
    pid: int | None
    """Of its worker in the last sample."""
    restarts: bool
    """Whether it was seen without a worker, or with another one, since then: its worker fails and is started again."""


class CopyState(Struct, omit_defaults=True):
    """The initial copy of a table as the last samples showed it, for the engine to compare."""

    shown: str
    since: float
    """Since when it has shown that."""


class SnapshotState(Struct, omit_defaults=True):
    """An old snapshot of a server that takes writes."""

    age: int
    """In transactions, in the last sample."""
    since: float
    """Since when it has not moved."""


class WentBack(Struct, omit_defaults=True):
    """A server's newest position is lower than it was."""

    at: float
    before: int
    after: int
    holders: dict[NodeName, int] = field(default_factory=dict)
    """Positions of the downstreams that hold what is missing; -1 for one that was rebuilt."""


class TableNames(Struct, omit_defaults=True):
    """The tables of a publication or a subscription."""

    names: tuple[str, ...]
    """In their order."""
    read_at: float
    """When they were last read."""
    since: float
    """When they were first read as they are; 0 when that was the first reading."""


class NodeState(Struct, omit_defaults=True):
    """A node as last judged."""

    name: NodeName
    node: Node
    seen: float
    """When its agent last reported."""
    kept: Sample | None = field(default=None, name="sample")
    """The last sample that the server answered, without what ``vitals`` say; see ``sample``."""
    vitals: EngineVitals | None = None
    """The newest numbers, which stand on ``kept``; None when ``kept`` has them."""
    base: int = -1
    """The ``seq`` of the whole sample that its agent's vitals stand on."""
    alive_since: float = 0.0
    """Since when nothing of it was judged but that its agent reports; 0 while samples are."""
    up: bool = True
    error: str | None = None
    error_code: str | None = None
    """The code with which the server refused, while it is not up; None when no server answered."""
    reach: Reach = "gone"
    """While it is not up."""
    down_since: float | None = None
    stopping: bool = False
    """Whether it answered that it stops or starts when its agent could not read it any more."""
    stopped: bool = False
    """Whether it announced to its agent that it shuts down, and has not answered since."""
    first_at: float = 0.0
    """When it was first seen."""
    left_since: float | None = None
    """Since when it is known to be gone for good; None while it is not."""
    replaces: NodeName | None = None
    """The node that was forgotten because this one took its place."""
    blind: str | None = None
    """The reason that its agent sees only a part of it, with the statement that changes it; None when it sees all."""
    host_ahead_s: float = 0.0
    """By how much the clock of its agent's host is ahead, negative when behind; 0 while it counts as right."""
    host_ahead_since: float = 0.0
    stale: bool = False
    """Its agent has been silent for too long: its last sample is no longer evidence."""
    clock: PositionClock = field(default_factory=PositionClock)
    """Its positions over time: reported by a primary, or by the receiver of an upstream without an agent."""
    settings: dict[str, SettingValue] = field(default_factory=dict)
    without_identity: tuple[str, ...] = ()
    """Its published tables without a replica identity, from an agent that does not send ``refused``."""
    refused: tuple[RefusedTable, ...] = ()
    """Its published tables that refuse updates or deletes, as last reported."""
    publishes: dict[str, TableNames] = {}
    """The tables of its publications, as last reported."""
    subscribes: dict[str, TableNames] = {}
    """The tables of its subscriptions, as last reported."""
    slow_tables: tuple[SlowTable, ...] = ()
    """Of its subscriptions, as last reported."""
    slow_tables_before: tuple[SlowTable, ...] = ()
    """The same, as reported before that."""
    sender_timeouts: tuple[SenderTimeout, ...] = ()
    """Of its logical senders, as last reported."""
    disk: Disk | None = None
    """As last reported: not every sample has it."""
    tables: Tables | None = None
    """As last reported, while an incident is open and for a short time after."""
    tables_at: float = 0.0
    server_log: ServerLog | None = None
    """The end of its server log, as last read, while an incident is open and for a short time after."""
    server_log_at: float = 0.0
    is_healthy: bool = False
    """Whether the fast path may take its next sample."""
    went_back: "WentBack | None" = None
    """The last time that its own newest position was seen to go back."""
    is_outrun: bool = False
    """Whether one of its downstreams holds more than it has."""
    unconfirmed: bool = False
    """Whether one of its standbys has not confirmed what it was sent."""
    unarchived: int | None = None
    """Segments that wait to be archived, as last reported."""
    archive_idle_since: float = 0.0
    """Since when segments wait and none was archived or failed; 0 while none waits."""
    held: dict[str, Held] = field(default_factory=dict)
    """Its slots that retain much, by name."""
    snapshots: dict[str, SnapshotState] = field(default_factory=dict)
    """Its snapshots that are old, by the engine's names for them."""
    upstream: NodeName | None = None
    """The node whose copy it is."""
    upstream_is_guess: bool = False
    """Whether nothing but its system supports ``upstream``."""
    same_as: NodeName | None = None
    """The node that is the same server under another name; this one then has no links."""
    lineage: str | None = None
    """Names the data that it holds a copy of, as last seen; None when that is not known."""
    takes_writes: bool = False
    """Whether applications can write to it, as last seen."""
    promoted_at: float | None = None
    """When it was first seen to take writes after it had been a standby."""
    writable_since: float | None = None
    """When it was first seen to take writes, in this run of doing so."""
    windows: dict[str, Window] = field(default_factory=dict)
    """Counters of errors and conflicts, by name; created when they first rise."""
    status: str = ""
    """Role and health as last published."""
    status_since: float = 0.0
    """When ``status`` became this one."""
    status_note: str = ""
    """Version and error as last published."""
    status_at: float = 0.0
    """When its status was last published; 0 when it never was."""
    copies: dict[str, CopyState] = field(default_factory=dict)
    """Its initial copies of tables, by the engine's names for them."""
    idle_subscriptions: dict[str, IdleState] = field(default_factory=dict)
    """Its enabled subscriptions that receive nothing, by name."""
    interrupted: dict[str, float] = field(default_factory=dict)
    """When each of its subscriptions was last seen not to stream, or with another worker; those that ever were."""
    unsettled: dict[str, float] = field(default_factory=dict)
    """Since when each of those has not streamed for a while without an interruption; 0 since before the first look."""
    freed: dict[str, float] = field(default_factory=dict)
    """When the subscription of a slot was dropped, by the slot's name."""
    moved_at: float = 0.0
    """When another server began to answer at its address; 0 when none ever did."""
    boot: str = ""
    """The run of an agent that its last sample is from."""
    boot_before: str = ""
    """The one before that run."""
    shared_at: float = 0.0
    """When two agents were last seen to send under its name; 0 while they were not lately."""
    twin: Node | None = None
    """The server that the other one of them reads."""

    @property
    def sample(self) -> Sample | None:
        """The last sample that the server answered."""
        if self.vitals is not None and self.kept is not None:
            self.kept, self.vitals = self.vitals.whole(self.kept), None
        return self.kept

    @sample.setter
    def sample(self, sample: Sample | None) -> None:
        self.kept, self.vitals = sample, None

    @property
    def answers(self) -> bool:
        """Whether the last look is recent and the server answered it."""
        return self.up and not self.stale and self.kept is not None

    @property
    def down(self) -> bool:
        """Whether its agent reports and could not read the server."""
        return not self.up and not self.stale

    @property
    def writable(self) -> bool:
        """Whether it answers and takes writes."""
        return self.answers and self.takes_writes


class Rollup(Struct, omit_defaults=True):
    """Lag of one link in one window of event time, so far."""

    until: float = 0.0
    """Its end; 0 before the first window."""
    samples: int = 0
    unknown: int = 0
    """Samples without a known lag."""
    lag_sum: float = 0.0
    lag_min: float = inf
    lag_max: float = 0.0
    units_max: int = -1
    verdicts: dict[str, int] = field(default_factory=dict)


class LinkState(Struct, omit_defaults=True):
    """A link as last judged."""

    id: LinkId
    upstream: NodeName
    downstream: NodeName
    kind: LinkKind
    name: str = ""
    """The subscription of a logical link."""
    slot: str | None = None
    unit: Unit = "bytes"
    """Of its positions."""
    created_at: float = 0.0
    agentless: bool = False
    """No agent reads the downstream: the link is judged by its sender."""
    headless: bool = False
    """No agent reads the upstream: the link is judged by its receiver."""
    candidates: tuple[NodeName, ...] = ()
    """Nodes of which one is the upstream, where it cannot be known which."""
    sender: tuple[int, str, str | None] | None = None
    """Identifies its sender on the upstream: process, name and slot. None where none is known."""
    sender_is_unclear: bool = False
    """Whether the upstream may have a sender for it that cannot be seen, or is one of several."""
    circle: tuple[NodeName, ...] = ()
    """The standbys that follow each other round to this link's downstream, itself first; none follows a primary."""
    connected: bool = False
    streams: bool = False
    """Whether the fast path may take it at its downstream's next sample."""
    cut_since: float | None = None
    cut_at: float = 0.0
    """When it was last cut off; 0 when it never was."""
    verdict: Verdict = "unknown"
    verdict_since: float = 0.0
    position: int | None = None
    """Up to where the downstream has applied, in ``unit``."""
    received: int | None = None
    moved_at: float = 0.0
    """When ``position`` last moved, or had nothing to move to."""
    pace_s: float = 0.0
    """Longest time of late in which ``position`` did not move, of a downstream without an agent; 0 before it moved."""
    lag_s: float | None = None
    """Behind the primary at the root, in seconds of its clock; while ``lag_is_bound``, at least this much."""
    lag_units: int | None = None
    hop_units: int | None = None
    """Behind its own upstream."""
    anchor_at: float = 0.0
    anchor_s: float = 0.0
    anchor_units: int = 0
    growth_s: float | None = None
    """Seconds of lag gained per second, over the last 5 to 10 seconds."""
    growth_units: float | None = None
    """Units of lag gained per second."""
    lag_is_bound: bool = False
    """Whether the lag is known within bounds only: the root's clock does not reach back to ``position``."""
    lag_at_most_s: float | None = None
    """The upper bound, while ``lag_is_bound``; None when none is known."""
    lead: int | None = None
    """A position that the downstream had before its upstream, which was looked at later and had less."""
    lead_at: float = 0.0
    """When the downstream had it."""
    lead_units: int = 0
    """Units that the downstream holds and its upstream does not have: they were lost there."""
    status_at: float = 0.0
    """When its status was last published; 0 when it never was."""
    status_verdict: str = ""
    """As last published, like the two below."""
    status_connected: bool = False
    status_lag_s: float | None = None
    brief: Rollup = field(default_factory=Rollup)
    long: Rollup = field(default_factory=Rollup)

    @property
    def shown_lag_s(self) -> float | None:
        """The lag for people: the upper bound while it is known within bounds only."""
        return self.lag_at_most_s if self.lag_is_bound else self.lag_s

    def is_settled(self, now: float) -> bool:
        """Whether it is not provisional: the agent of an end that has none may still report."""
        return not (self.agentless or self.headless) or now - self.created_at >= STAND_IN_S


class AlertState(Struct, omit_defaults=True):
    """An alert that is pending, firing or unknown."""

    id: AlertId
    rule: str
    subject: Subject
    owner: NodeName | None
    """The node whose samples decide it; None for a reported finding that is about no node."""
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
    """Since when the value of a critical alert has only reached the warning level."""
    incident: IncidentId | None = None
    """The open incident that it keeps open; None for one that fired never, or opens none."""
    summary: str = ""
    """As last reported."""
    cause: str = ""
    """The first cause as last reported, of an alert that opens no incident."""
    sure: float = 0.0
    """The confidence of that cause when it was reported."""


class IncidentState(Struct, omit_defaults=True):
    """An incident that is open, or ended a short time ago."""

    id: IncidentId
    opened_at: float
    detected_at: float
    seq: int = 0
    severity: Severity = "warning"
    title: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    """The title that each cause would give it, by cause; those whose signs are gone too."""
    named_at: dict[str, float] = field(default_factory=dict)
    """When each cause was first named."""
    alerts: list[AlertId] = field(default_factory=list)
    """Every alert that was part of it, in the order of firing."""
    rules: list[str] = field(default_factory=list)
    """Their rules, each once."""
    causes: list[Cause] = field(default_factory=list)
    cause_at: float | None = None
    changes: list[Change] = field(default_factory=list)
    timeline: list[TimelineEntry] = field(default_factory=list)
    quiet_since: float | None = None
    best: dict[str, Cause] = field(default_factory=dict)
    """The surest form of each of its causes while there were signs of it, the newest of those, by cause."""
    gone_at: dict[str, float] = field(default_factory=dict)
    """Since when there are no signs of one, by cause."""
    last_end: str = ""
    """The end of the last of its alerts that ended, in words."""
    reported: Cause | None = None
    """The first cause as in the last record."""
    reported_lag_s: float = 0.0
    """The largest lag as in the last record."""
    reported_at: float = 0.0
    began_at: float = 0.0
    """When it was opened, or last reopened."""
    ended_at: float = 0.0
    """When it was resolved; 0 while it is open."""
    subjects: list[Subject] = field(default_factory=list)
    """Of its alerts, each once."""
    root: tuple[str, str] | None = None
    """Code and subject of the last first cause that left no doubt; None before there was one."""
    generation: int = 1
    peak: Severity = "info"
    """The highest severity since it was last reopened."""
    parted_from: IncidentId | None = None
    """The incident that its first alerts were a part of."""
    reopened: list[float] = field(default_factory=list)
    worst_lag_s: float | None = None
    lags_s: dict[str, float] = field(default_factory=dict)
    """The largest lag of each of its links."""
    changed: bool = False
    """Whether a record is due."""


class ReportState(Struct, omit_defaults=True):
    """The last report of one source of findings."""

    boot: str
    seq: int
    until: float
    """Its findings are unknown from then on."""
    alerts: list[str] = field(default_factory=list)
    """The places of the alerts that it decides."""
    silent: bool = False


class Memory(Struct, omit_defaults=True):
    """The state of a cluster."""

    cluster: ClusterName
    arrivals: Arrivals = field(default_factory=Arrivals)
    nodes: dict[str, NodeState] = field(default_factory=dict)
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


# The arrays of a PositionClock are written as lists.
_ENCODER = msgspec.msgpack.Encoder(enc_hook=list)
_DECODER = msgspec.msgpack.Decoder(Memory, dec_hook=lambda kind, values: kind(values))


def load(data: bytes) -> Memory:
    """The memory whose ``dump`` gave these bytes. Raises msgspec.ValidationError for another version's bytes."""
    memory = _DECODER.decode(data)
    memory.links = Links(memory.links)
    kept: dict[str, list[Sample]] = {name: [node.kept] for name, node in memory.nodes.items() if node.kept}
    for _, name, _, _, seen in memory.arrivals.waiting:
        if isinstance(seen, Sample):
            kept.setdefault(name, []).append(seen)
    for name, node in memory.nodes.items():
        node.node = interned_decode.share(node.node, *kept.get(name, ()))
        interned_decode.share_settings(node.settings)
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

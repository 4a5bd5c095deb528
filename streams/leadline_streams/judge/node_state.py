"""The state of one node between observations.

Plain data, as in ``state``. Times are event time in seconds since the epoch.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from leadline.model.finding import EngineVitals
from leadline.model.host import Disk
from leadline.model.ids import NodeName
from leadline.model.node import Node
from leadline.model.observation import Sample
from leadline.model.server_log import ServerLog
from leadline.model.tables import DatabaseState, RefusedTable, SenderTimeout, SlowTable, Tables
from leadline_streams.judge import packed_vitals
from leadline_streams.judge.counters import Window
from leadline_streams.judge.nodes import Sign
from leadline_streams.judge.nothing import NOTHING
from leadline_streams.judge.packed_sample import PackedSample
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.server_settings import NONE, ServerSettings

Reach = Literal["gone", "hangs", "locked_out", "not_ready", "unseen"]
"""The state of a server that its agent could not read: it is not there, does not answer, answers and refuses its agent,
answers and admits nobody yet or any more, or nothing of it was seen."""


if TYPE_CHECKING:
    Kept = Sample | PackedSample
    Packed = bytes
else:
    Kept = Sample  # a packed one is saved as what it is made of
    Packed = bytes | EngineVitals  # which ``load`` packs: states were saved with them


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


class NodeState(Struct, omit_defaults=True, gc=False):
    """A node as last judged."""

    name: NodeName
    node: Node
    seen: float
    """When its agent last reported."""
    kept: Kept | None = field(default=None, name="sample")
    """The last sample that the server answered, without what ``vitals`` say; see ``sample``."""
    vitals: Packed | None = None
    """The newest numbers, which stand on ``kept``; None when ``kept`` has them, and then it is not packed. As
    ``packed_vitals`` makes them of vitals, in a sixth of the memory."""
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
    settings: ServerSettings = NONE
    settings_at: float = 0.0
    """When they were read last, by the server's clock; 0 before the first reading."""
    changed_at: Mapping[str, float] = NOTHING
    """When each of them was last seen to change; those that ever were."""
    without_identity: tuple[str, ...] = ()
    """Its published tables without a replica identity, from an agent that does not send ``refused``."""
    refused: tuple[RefusedTable, ...] = ()
    """Its published tables that refuse updates or deletes, as last reported."""
    publishes: Mapping[str, TableNames] = NOTHING
    """The tables of its publications, as last reported."""
    subscribes: Mapping[str, TableNames] = NOTHING
    """The tables of its subscriptions, as last reported."""
    slow_tables: tuple[SlowTable, ...] = ()
    """Of its subscriptions, as last reported."""
    slow_tables_before: tuple[SlowTable, ...] = ()
    """The same, as reported before that."""
    sender_timeouts: tuple[SenderTimeout, ...] = ()
    """Of its logical senders, as last reported."""
    databases: tuple[DatabaseState, ...] = ()
    """Its databases about which something is wrong, as last reported."""
    databases_at: float = 0.0
    """When that was reported."""
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
    held: Mapping[str, Held] = NOTHING
    """Its slots that retain much, by name."""
    snapshots: Mapping[str, SnapshotState] = NOTHING
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
    windows: Mapping[str, Window] = NOTHING
    """Counters of errors and conflicts, by name; created when they first rise."""
    status: str = ""
    """Role and health as last published."""
    status_since: float = 0.0
    """When ``status`` became this one."""
    status_note: str = ""
    """Version and error as last published."""
    status_at: float = 0.0
    """When its status was last published; 0 when it never was."""
    copies: Mapping[str, CopyState] = NOTHING
    """Its initial copies of tables, by the engine's names for them."""
    idle_subscriptions: Mapping[str, IdleState] = NOTHING
    """Its enabled subscriptions that receive nothing, by name."""
    interrupted: Mapping[str, float] = NOTHING
    """When each of its subscriptions was last seen not to stream, or with another worker; those that ever were."""
    unsettled: Mapping[str, float] = NOTHING
    """Since when each of those has not streamed for a while without an interruption; 0 since before the first look."""
    freed: Mapping[str, float] = NOTHING
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
        shown = self.shown
        if self.vitals is not None and shown is not None:
            self.kept, self.vitals = packed_vitals.unpack(self.vitals).whole(shown), None
            return self.kept
        return shown

    @sample.setter
    def sample(self, sample: Sample | None) -> None:
        self.kept, self.vitals = sample, None

    @property
    def shown(self) -> Sample | None:
        """The last sample that the server answered, for what is no number in it: without what ``vitals`` say."""
        return self.kept.unpack() if isinstance(self.kept, PackedSample) else self.kept

    def signs(self) -> frozenset[Sign]:
        """Contents of the last sample that others may look for; see ``Nodes``."""
        shown = self.shown
        if shown is None:
            return frozenset()
        signs: set[Sign] = {("slot", slot.name) for slot in shown.slots if slot.plugin is not None}
        signs.update(("publication", name) for name in shown.publications)
        signs.update(("left_out", group) for group in shown.left_out)
        if self.takes_writes:
            signs.add(("writer", self.node.system_id))
        return frozenset(signs)

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

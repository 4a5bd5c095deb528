"""What an agent saw on one node at one instant.

An observation is a ``Sample`` (every interval), ``NodeSettings`` (on start, on change, every ten minutes) or a ``Tick``
(the passing of time, written by the processor itself so that silence is an event in the log). Field groups that an
engine, a role or a version does not have are absent; absent never means zero or healthy.
"""

from typing import Annotated, Generic, Literal

from msgspec import Meta
from typing_extensions import TypeVar

from leadline.model import Int64, Time, Value
from leadline.model.ids import ClusterName, NodeName
from leadline.model.lsn import Lsn

Engine = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["postgresql"])]
"""Name of a database engine. A processor refuses samples of an engine that it does not know."""
Role = Literal["primary", "standby", "unknown"]
LinkKind = Literal["physical", "archive", "logical", "gtid", "group", "backup"]
"""The way a downstream follows its upstream. ``physical``: a standby streams WAL."""
Unit = Literal["bytes", "transactions"]
"""Of an engine's positions."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(description="seconds")]


class Node(Value, frozen=True, kw_only=True):
    """The server an observation is about, and the run of the agent that made it."""

    name: NodeName
    cluster: ClusterName
    boot: str
    """Names one run of the agent for this node; ``seq`` counts within it."""
    engine: Engine = "postgresql"
    datacenter: str = ""
    host: str = ""
    port: Count = 0
    aliases: tuple[str, ...] = ()
    """Further ``host:port`` addresses under which other nodes reach this one."""
    version: str = ""
    version_num: Count = 0
    role: Role = "unknown"
    system_id: str | None = None
    timeline: Count | None = None
    started_at: Time | None = None
    """When the server process started, by its own clock."""
    labels: dict[str, str] = {}


class Positions(Value, frozen=True, kw_only=True):
    """Where the node is in the log. A primary has ``current_lsn``; a standby received and replayed positions."""

    current_lsn: Lsn | None = None
    """Flushed end of the log on a primary."""
    received_lsn: Lsn | None = None
    replayed_lsn: Lsn | None = None
    last_replay_at: Time | None = None
    """Commit time, on the primary's clock, of the last transaction replayed."""
    replay_paused: bool = False
    apply_delay_s: Seconds = 0.0
    redo_lsn: Lsn | None = None
    """Where the last checkpoint begins: log before it is gone unless something holds it."""
    startup_wait: str | None = None
    """Wait event of the startup process, ``type/event``: the best single diagnostic of a standby."""
    current: Int64 | None = None
    """End of the log on a primary whose engine counts positions."""
    received: Int64 | None = None
    applied: Int64 | None = None


class Downstream(Value, frozen=True, kw_only=True):
    """One connected standby or subscriber, as its sender sees it. None is "not reported", never zero."""

    name: str
    """``application_name`` of the sender process."""
    kind: LinkKind = "physical"
    pid: Count = 0
    state: str = ""
    address: str | None = None
    slot: str | None = None
    sent_lsn: Lsn | None = None
    write_lsn: Lsn | None = None
    flush_lsn: Lsn | None = None
    replay_lsn: Lsn | None = None
    write_lag_s: Seconds | None = None
    flush_lag_s: Seconds | None = None
    replay_lag_s: Seconds | None = None
    reply_age_s: Seconds | None = None
    """Age of the last reply; the lag columns freeze when it grows."""
    connected_s: Seconds | None = None
    sync_state: str = "async"
    sync_priority: Count = 0
    wait: str | None = None
    xmin_age: Count | None = None


class Upstream(Value, frozen=True, kw_only=True):
    """The receiving end on a standby: what it is configured to follow and what its receiver does."""

    host: str = ""
    port: Count = 0
    slot: str | None = None
    application_name: str | None = None
    configured: bool = True
    """False when ``primary_conninfo`` is empty."""
    status: str | None = None
    """State of the WAL receiver; None when none is running."""
    written_lsn: Lsn | None = None
    flushed_lsn: Lsn | None = None
    latest_end_lsn: Lsn | None = None
    """End of the upstream's log as it last told us."""
    timeline: Count | None = None
    last_message_at: Time | None = None
    message_age_s: Seconds | None = None


class Slot(Value, frozen=True, kw_only=True):
    """One replication slot, with every column the server's version has."""

    name: str
    kind: LinkKind = "physical"
    plugin: str | None = None
    database: str | None = None
    temporary: bool = False
    active: bool = False
    active_pid: Count | None = None
    restart_lsn: Lsn | None = None
    confirmed_lsn: Lsn | None = None
    retained_bytes: Int64 | None = None
    xmin_age: Count | None = None
    catalog_xmin_age: Count | None = None
    wal_status: str | None = None
    safe_wal_bytes: Int64 | None = None
    two_phase: bool | None = None
    conflicting: bool | None = None
    inactive_s: Seconds | None = None
    invalidation_reason: str | None = None
    failover: bool | None = None
    synced: bool | None = None
    spill_txns: Count | None = None
    spill_bytes: Count | None = None
    stream_txns: Count | None = None
    stream_bytes: Count | None = None
    total_txns: Count | None = None
    total_bytes: Count | None = None


class Subscription(Value, frozen=True, kw_only=True):
    """One logical subscription on a subscriber, its apply worker and its counters."""

    name: str
    database: str = ""
    enabled: bool = True
    slot: str | None = None
    publications: tuple[str, ...] = ()
    disable_on_error: bool | None = None
    origin: str | None = None
    failover: bool | None = None
    two_phase: str | None = None
    skip_lsn: Lsn | None = None
    pid: Count | None = None
    """Leader apply worker; None when none is running."""
    workers: Count = 0
    received_lsn: Lsn | None = None
    latest_end_lsn: Lsn | None = None
    message_age_s: Seconds | None = None
    wait: str | None = None
    transaction_s: Seconds | None = None
    """Age of the apply worker's open transaction."""
    blocked_by: tuple[Int64, ...] = ()
    """Sessions that hold what the apply worker waits for."""
    apply_errors: Count | None = None
    sync_errors: Count | None = None
    conflicts: dict[str, Int64] = {}
    """Row conflicts by type, without the ``confl_`` prefix; PostgreSQL 18 and later."""
    tables: dict[str, Int64] = {}
    """Number of tables by ``srsubstate``."""
    unsynced: tuple[str, ...] = ()
    """A few of the tables that are not ready."""


class Table(Value, frozen=True, kw_only=True):
    """A table of logical replication as one side has it."""

    name: str
    """With its schema, quoted where SQL needs it."""
    columns: dict[str, str] = {}
    """Types by name: of a published table those that are sent, of a subscriber's those that can be written."""
    required: tuple[str, ...] = ()
    """Of a subscriber's: those without a default that refuse NULL."""


class Tables(Value, frozen=True, kw_only=True):
    """Tables of the database that the agent is connected to, told while a logical worker is in trouble there."""

    published: dict[str, list[Table]] = {}
    """By publication."""
    present: tuple[Table, ...] = ()
    """All tables, where there are subscriptions; those that are subscribed to come first."""
    left_out: Count = 0
    """Tables that did not fit in: together they have at most 2000 columns, in the order of their names."""


class Session(Value, frozen=True, kw_only=True):
    """A client session worth naming: it holds back replay, vacuum or commits."""

    pid: Int64
    user: str = ""
    application: str = ""
    database: str = ""
    state: str = ""
    age_s: Seconds = 0.0
    """Age of its transaction."""
    xmin_age: Count | None = None
    wrote: bool = False
    """Whether it has a transaction id, which it gets as it first writes; told of ``oldest`` only."""
    wait: str | None = None
    holds: str | None = None
    """The lock mode and relation it holds that replay waits for."""
    query: str | None = None
    """Masked or left out by the agent's ``query_text`` setting."""


class Activity(Value, frozen=True, kw_only=True):
    """Sessions and transactions that explain why replication waits."""

    blockers: tuple[Session, ...] = ()
    """On a standby whose replay waits: the sessions it waits for."""
    oldest: tuple[Session, ...] = ()
    """The oldest transactions, those that wrote first."""
    sync_waiters: Count = 0
    sync_wait_s: Seconds = 0.0
    prepared_transactions: Count = 0
    prepared_oldest_s: Seconds = 0.0


class Archiver(Value, frozen=True, kw_only=True):
    """WAL archiving, when ``archive_mode`` is not off."""

    archived: Count = 0
    failed: Count = 0
    last_archived_wal: str | None = None
    last_archived_s: Seconds | None = None
    """Time since the last success."""
    last_failed_wal: str | None = None
    last_failed_s: Seconds | None = None
    ready: Count | None = None
    """Segments waiting to be archived, when it was looked up."""


class Disk(Value, frozen=True, kw_only=True):
    """Space of the log's volume, when the agent can know it."""

    wal_bytes: Count | None = None
    wal_files: Count | None = None
    free_bytes: Count | None = None
    total_bytes: Count | None = None


class Cost(Value, frozen=True, kw_only=True):
    """What this look cost the server and the agent."""

    statement_ms: float = 0.0
    """Round-trip time of the statement."""
    agent_cpu_s: float = 0.0
    """Processor time of the agent since it started."""
    agent_rss_bytes: Count = 0
    spooled: Count = 0
    """Observations waiting in the spool."""
    dropped: Count = 0
    """Observations the spool had to drop since the agent started."""


Conflicts = dict[str, dict[str, Int64]]
NodeT = TypeVar("NodeT", bound=Node, default=Node)
ConflictsT = TypeVar("ConflictsT", bound=Conflicts, default=Conflicts)
"""A sample has these parameters for ``repeating`` alone, which decodes the two fields by themselves."""


class Sample(Value, Generic[NodeT, ConflictsT], frozen=True, kw_only=True, tag="sample", tag_field="kind"):
    """One look at one node."""

    node: NodeT
    seq: Count
    at: Time
    """The database's clock; the agent's when the database cannot be reached."""
    sent_at: Time
    """The agent's clock: the time by which judgement orders observations."""
    up: bool
    interval_s: Seconds = 1.0
    """How often this agent means to look."""
    error: str | None = None
    """Why the server could not be read, in one line."""
    database: str = ""
    """The database that the agent is connected to; what a server keeps per database is seen of this one only."""
    positions: Positions | None = None
    downstreams: tuple[Downstream, ...] = ()
    upstream: Upstream | None = None
    slots: tuple[Slot, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    publications: tuple[str, ...] = ()
    """Publications in ``database``."""
    tables: Tables | None = None
    """When they were looked at; see ``Tables``."""
    conflicts: ConflictsT = {}  # type: ignore[assignment]
    """Queries cancelled by replay: database, then kind, then count."""
    activity: Activity | None = None
    archiver: Archiver | None = None
    disk: Disk | None = None
    cost: Cost | None = None
    not_permitted: tuple[str, ...] = ()
    """Field groups the agent's role may not read."""


class SettingValue(Value, frozen=True, kw_only=True):
    """One server setting as the server reports it."""

    value: str
    unit: str | None = None
    source: str = ""
    pending_restart: bool = False


class NodeSettings(Value, frozen=True, kw_only=True, tag="settings", tag_field="kind"):
    """The replication-relevant settings of a node, and what is wrong with its tables."""

    node: Node
    seq: Count
    at: Time
    sent_at: Time
    settings: dict[str, SettingValue]
    without_identity: tuple[str, ...] = ()
    """Published tables of the agent's database that are changed and have no replica identity, 20 of them at most."""


class Tick(Value, frozen=True, kw_only=True, tag="tick", tag_field="kind"):
    """The passing of time in one partition: what is silent is judged by it."""

    at: Time
    worker: str = ""

"""Observations of agents, and ticks.

A ``Sample`` is written every interval, ``NodeSettings`` on start, on change and every ten minutes. A ``Tick`` is the
passing of time; the processor writes it, so that silence is an event in the topic. Groups of fields that an engine, a
role or a version does not have are absent; absent never means zero or healthy.
"""

from typing import Annotated, Generic, Literal

from msgspec import Meta
from typing_extensions import TypeVar

from leadline.model import Int64, Time, Value
from leadline.model.ids import ClusterName, NodeName
from leadline.model.lsn import Lsn

Engine = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$", examples=["postgresql"])]
"""Name of a database engine. A processor rejects samples of an unknown engine."""
Role = Literal["primary", "standby", "unknown"]
LinkKind = Literal["physical", "archive", "logical", "gtid", "group", "backup"]
"""The way a downstream follows its upstream. ``physical``: a standby streams WAL."""
Unit = Literal["bytes", "transactions"]
"""The unit of an engine's positions."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(description="seconds")]


class Node(Value, frozen=True, kw_only=True, weakref=True, gc=True):
    """The server that an observation is about, and the run of the agent that made it."""

    name: NodeName
    cluster: ClusterName
    boot: str
    """Identifies one run of the agent for this node; ``seq`` counts within it."""
    engine: Engine = "postgresql"
    datacenter: str = ""
    host: str = ""
    port: Count = 0
    aliases: tuple[str, ...] = ()
    """Further ``host:port`` addresses under which other nodes reach this one: as configured, as the agent reached it,
    and, on the server's own host, those of its network interfaces."""
    version: str = ""
    version_num: Count = 0
    role: Role = "unknown"
    system_id: str | None = None
    timeline: Count | None = None
    started_at: Time | None = None
    """Start of the server process, by its own clock."""
    labels: dict[str, str] = {}
    flavour: str = ""
    """The managed service or the orchestrator that runs the server, if the database shows it: ``rds``, ``patroni``."""


class Positions(Value, frozen=True, kw_only=True):
    """The node's positions. A primary has ``current_lsn``; a standby has received and replayed positions."""

    current_lsn: Lsn | None = None
    """Flushed end of the WAL on a primary."""
    received_lsn: Lsn | None = None
    replayed_lsn: Lsn | None = None
    last_replay_at: Time | None = None
    """Commit time, on the primary's clock, of the last transaction replayed."""
    replay_paused: bool = False
    apply_delay_s: Seconds = 0.0
    redo_lsn: Lsn | None = None
    """Start of the last checkpoint. WAL before it is removed unless something holds it."""
    startup_wait: str | None = None
    """Wait event of the startup process, ``type/event``: it shows what replay waits for."""
    current: Int64 | None = None
    """End of the changes on a primary, for an engine whose positions are counts."""
    received: Int64 | None = None
    applied: Int64 | None = None


class Downstream(Value, frozen=True, kw_only=True):
    """One connected standby or subscriber, as its sender sees it. None means not reported, never zero."""

    name: str
    """``application_name`` of the sender process."""
    kind: LinkKind = "physical"
    pid: Count = 0
    state: str = ""
    address: str | None = None
    port: Int64 | None = None
    """Of the client's end of the connection; -1 over a Unix socket."""
    slot: str | None = None
    sent_lsn: Lsn | None = None
    write_lsn: Lsn | None = None
    flush_lsn: Lsn | None = None
    replay_lsn: Lsn | None = None
    write_lag_s: Seconds | None = None
    flush_lag_s: Seconds | None = None
    replay_lag_s: Seconds | None = None
    reply_age_s: Seconds | None = None
    """Age of the last reply. The lag columns freeze while it grows."""
    connected_s: Seconds | None = None
    sync_state: str = "async"
    sync_priority: Count = 0
    wait: str | None = None
    xmin_age: Count | None = None


class Upstream(Value, frozen=True, kw_only=True):
    """The receiving end on a standby: the configured upstream, and the state of the WAL receiver."""

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
    """End of the upstream's WAL as it last reported it."""
    timeline: Count | None = None
    last_message_at: Time | None = None
    message_age_s: Seconds | None = None
    pid: Count | None = None
    """Process of the WAL receiver; None when none is running."""
    began_at: Time | None = None
    """Start of that process, which connects once. Its sender on the upstream starts just after it."""
    local_port: Count | None = None
    """Of its end of the connection, where the agent may read ``/proc`` of the server's host."""
    clock_ahead_s: Seconds | None = None
    """Of this server's clock against its sender's, to a tenth; a slow network adds to it."""


class Slot(Value, frozen=True, kw_only=True):
    """One replication slot, with the columns that the server's version has."""

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
    """Unique on its server: where several databases have a subscription of one name, ``name@database``."""
    sql_name: str | None = None
    """Its name in its database, where ``name`` is another one."""
    oid: Count | None = None
    """Its identity on the server; slots of initial copies are named after it. None where it cannot be read."""
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
    began_at: Time | None = None
    """Start of the leader apply worker, which connects once. Its sender on the publisher starts just after it."""
    local_port: Count | None = None
    """Of its end of the connection, where the agent may read ``/proc`` of the server's host."""
    publisher: str | None = None
    """``host:port`` of the other end, where the agent may read ``/proc`` of the server's host."""
    clock_ahead_s: Seconds | None = None
    """Of this server's clock against its sender's, to a tenth; a slow network adds to it."""
    wait: str | None = None
    transaction_s: Seconds | None = None
    """Age of the apply worker's open transaction."""
    blocked_by: tuple[Int64, ...] = ()
    """Sessions that block the apply worker."""
    apply_errors: Count | None = None
    sync_errors: Count | None = None
    conflicts: dict[str, Int64] = {}
    """Row conflicts by type, without the ``confl_`` prefix; PostgreSQL 18 and later."""
    tables: dict[str, Int64] = {}
    """Number of tables by ``srsubstate``."""
    unsynced: tuple[str, ...] = ()
    """A few of the tables that are not ready."""

    @property
    def in_sql(self) -> str:
        """Its name in a statement, and ``application_name`` of its sender."""
        return self.sql_name or self.name


class TableCopy(Value, frozen=True, kw_only=True):
    """The initial copy of one table of a subscription, while its worker runs."""

    subscription: str
    subscription_oid: Count
    oid: Count
    """Of the table."""
    table: str | None = None
    """Its name; None in another database than the one that the agent is connected to."""
    pid: Count
    state: str | None = None
    """``srsubstate``; None in another database."""
    wait: str | None = None
    transaction_s: Seconds | None = None
    """Age of the worker's transaction, which is open from before the copy's slot is created to the end of the copy."""
    copied_bytes: Count | None = None
    """None while COPY does not run, and before PostgreSQL 14."""
    blocked_by: tuple[Int64, ...] = ()
    """Sessions on the subscriber that block the worker."""


class RefusedTable(Value, frozen=True, kw_only=True):
    """A published table whose updates or deletes its server refuses."""

    name: str
    """With its schema, quoted where SQL needs it; of a partitioned table the partition."""
    reason: Literal["no_identity", "row_filter", "column_list", "generated_column"]
    """``no_identity``: the table has no replica identity, or only a deferrable key. The others: its identity lacks
    columns of the publication's row filter, is not in its column list, or has a generated column that is not
    published."""
    columns: tuple[str, ...] = ()
    """The columns in question; of ``no_identity`` those of the deferrable key."""
    identity: str = "d"
    """``relreplident``."""
    publication: str = ""
    updates: bool = True
    """Whether updates are refused."""
    deletes: bool = True
    changed: bool = False
    """Whether rows were updated or deleted since the statistics began."""


class SenderTimeout(Value, frozen=True, kw_only=True):
    """A time after which a server cancels what a logical sender runs, as ALTER ROLE or ALTER DATABASE set it."""

    sender: str
    """Its ``application_name``: that of a subscription."""
    role: str
    database: str
    setting: str
    """``statement_timeout``, or ``transaction_timeout`` since PostgreSQL 17."""
    value: str
    """As it was set: a number without a unit is of milliseconds."""
    set_for: Literal["role in database", "role", "database", "all roles"]


class SlowTable(Value, frozen=True, kw_only=True):
    """A table of a subscription on which applying changes may take long."""

    name: str
    """With its schema, quoted where SQL needs it."""
    rows: Count = 0
    """As estimated by the statistics."""
    scanned: bool = False
    """Whether no index of the subscriber helps to find a row that is updated or deleted."""
    rows_read: Count = 0
    """By scans of the whole table, since the statistics began."""
    triggers: tuple[str, ...] = ()
    """Those that fire for replicated rows."""


class DatabaseState(Value, frozen=True, kw_only=True):
    """A database about which its server shows something that is wrong; the others are not sent."""

    name: str
    """Empty for what all databases of a server share."""
    checksum_failures: Count = 0
    """Pages whose checksum was wrong when they were read, since the statistics began."""
    checksum_failed_s: Seconds | None = None
    """Time since the last of them."""
    collation_recorded: str | None = None
    """Version of the library by which its text was sorted when it was created, where the server has another one now."""
    collation_actual: str | None = None
    """The version that the server has now."""
    read_only: bool = False
    """Whether ``default_transaction_read_only`` is set for it by ALTER DATABASE."""


class Table(Value, frozen=True, kw_only=True):
    """A table of logical replication, as one side has it."""

    name: str
    """With its schema, quoted where SQL needs it."""
    columns: dict[str, str] = {}
    """Types by column: on a publisher the columns that are sent, on a subscriber those that can be written. The labels
    of an enum follow its name, as JSON: ``mood ["sad", "ok"]``."""
    required: tuple[str, ...] = ()
    """On a subscriber: the columns that are NOT NULL and have no default."""
    generated: tuple[str, ...] = ()
    """On a subscriber: the columns that it generates itself."""
    keyless: bool = False
    """On a subscriber: it has no key by which a row to be updated or deleted is found. On a publisher: it sends whole
    rows for that (``REPLICA IDENTITY FULL``), so that no key is needed."""
    denied: tuple[str, ...] = ()
    """On a subscriber: what keeps its worker from writing. ``row security``; privileges that are missing; ``SET ROLE``
    where the subscription's owner may not act as the owner of the table, with ``superuser`` where that is one."""
    role: str | None = None
    """The role that lacks those, quoted where SQL needs it."""
    owner: str | None = None
    """The owner of the table that this role may not act as."""


class Tables(Value, frozen=True, kw_only=True):
    """Tables of the database that the agent is connected to, reported while a logical worker fails there."""

    published: dict[str, list[Table]] = {}
    """By publication."""
    present: tuple[Table, ...] = ()
    """All tables of a database with subscriptions; subscribed tables come first."""
    left_out: Count = 0
    """Number of tables left out: the limit is 2000 columns in all, in the order of the tables' names."""


class LogLine(Value, frozen=True, kw_only=True):
    """A message of the server log about replication. The same message at other times is counted."""

    at: Time | None = None
    """Time of the newest one; None when the form of the server log does not show it."""
    process: str = ""
    """Type of the process that wrote it; empty when the form of the server log does not show it."""
    code: str = ""
    """Its SQLSTATE; ``00000`` when it is no error, empty when it is not known."""
    message: str = ""
    """Its first line without data, by the agent's setting ``query_text``, in the language of the server."""
    relation: str | None = None
    """The table to which a change of logical replication was applied."""
    lsn: Lsn | None = None
    """End of the remote transaction of that change."""
    times: Count = 1
    """Number of the same messages in what was read."""


class ServerLog(Value, frozen=True, kw_only=True):
    """The end of the server log, read while something about replication is wrong."""

    path: str = ""
    """The current file; empty when the server does not report it."""
    read: bool = False
    """Whether the agent may read it."""
    lines: tuple[LogLine, ...] = ()
    """The newest messages about replication, oldest first."""


class Session(Value, frozen=True, kw_only=True):
    """A client session that holds back replay, vacuum or commits."""

    pid: Int64
    user: str = ""
    application: str = ""
    database: str = ""
    client: str = ""
    """Address that it connected from; empty for a local socket."""
    state: str = ""
    age_s: Seconds = 0.0
    """Age of its transaction."""
    xmin_age: Count | None = None
    wrote: bool = False
    """Whether it has a transaction id, which it gets when it first writes; only in ``oldest``."""
    wait: str | None = None
    holds: str | None = None
    """Mode and relation of the lock that it holds and replay waits for."""
    query: str | None = None
    """Masked or absent, by the agent's setting ``query_text``."""


class WaitingSender(Value, frozen=True, kw_only=True):
    """A WAL sender, or a session that creates a slot, that waits for a lock."""

    pid: Int64
    name: str = ""
    """Its ``application_name``: that of a subscription, or the slot of a table's initial copy."""
    slot: str | None = None
    """The slot that it uses or creates."""
    wait: str
    waits_s: Seconds = 0.0
    """Since its present command began."""
    command: str = ""
    """The first words of the replication command or query, without its arguments."""
    blockers: tuple[Session, ...] = ()
    """Sessions that it waits for."""
    prepared: tuple[str, ...] = ()
    """Prepared transactions that it waits for."""


class Activity(Value, frozen=True, kw_only=True):
    """Sessions and transactions for which replication may wait."""

    blockers: tuple[Session, ...] = ()
    """On a standby whose replay waits: the sessions that it waits for."""
    oldest: tuple[Session, ...] = ()
    """The oldest transactions; those that have written come first."""
    waiting_senders: tuple[WaitingSender, ...] = ()
    """Senders that wait for a lock, and sessions that wait while they create a slot."""
    sync_waiters: Count = 0
    sync_wait_s: Seconds = 0.0
    prepared_transactions: Count = 0
    prepared_oldest_s: Seconds = 0.0
    prepared_gid: str | None = None
    """Identifier of the oldest prepared transaction; None when there is none."""
    prepared_age: Count | None = None
    """Age of that one in transactions."""


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
    """Segments that wait to be archived, if they were counted."""


class Disk(Value, frozen=True, kw_only=True):
    """Space on the volume of the WAL, if the agent can read it."""

    wal_bytes: Count | None = None
    wal_files: Count | None = None
    free_bytes: Count | None = None
    total_bytes: Count | None = None


class Cost(Value, frozen=True, kw_only=True):
    """Cost of this look for the server and the agent."""

    statement_ms: float = 0.0
    """Round-trip time of the statement."""
    agent_cpu_s: float = 0.0
    """Processor time of the agent since it started."""
    agent_rss_bytes: Count = 0
    spooled: Count = 0
    """Observations waiting in the spool."""
    dropped: Count = 0
    """Observations that the full spool has dropped since the agent started."""


Conflicts = dict[str, dict[str, Int64]]
NodeT = TypeVar("NodeT", bound=Node, default=Node)
ConflictsT = TypeVar("ConflictsT", bound=Conflicts, default=Conflicts)
"""Parameters of a sample for ``interned_decode`` alone, which decodes these two fields separately."""


class Sample(Value, Generic[NodeT, ConflictsT], frozen=True, kw_only=True, tag="sample", tag_field="kind"):
    """One look at one node."""

    node: NodeT
    seq: Count
    at: Time
    """The database's clock; the agent's when the database cannot be reached."""
    sent_at: Time
    """The agent's clock. The judgement orders observations by this time."""
    up: bool
    interval_s: Seconds = 1.0
    """The agent's configured interval between looks."""
    error: str | None = None
    """The reason that the server could not be read, in one line."""
    error_code: str | None = None
    """The server's own code of that error, an SQLSTATE of PostgreSQL; None when the server did not answer with one."""
    stopped: bool = False
    """Whether the server announced to its agent that it shuts down, just before it could not be read any more."""
    database: str = ""
    """The database that the agent is connected to. Data that a server has per database is of this one only."""
    positions: Positions | None = None
    downstreams: tuple[Downstream, ...] = ()
    upstream: Upstream | None = None
    slots: tuple[Slot, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    copies: tuple[TableCopy, ...] = ()
    """Initial copies of tables whose worker runs."""
    publications: tuple[str, ...] = ()
    """Publications in ``database``."""
    tables: Tables | None = None
    """Only in samples for which they were read; see ``Tables``."""
    server_log: ServerLog | None = None
    """Only in samples for which it was read; see ``ServerLog``."""
    refused: tuple[RefusedTable, ...] | None = None
    """Only in samples for which they were read, once a minute where ``database`` has publications; 20 at most."""
    publishes: dict[str, tuple[str, ...]] | None = None
    """The names of the tables of each publication in ``database``; only in samples for which they were read."""
    subscribes: dict[str, tuple[str, ...]] | None = None
    """The same of each subscription in ``database``."""
    slow_tables: tuple[SlowTable, ...] | None = None
    """Only in samples for which they were read, with ``subscribes``; 20 at most, by the rows read."""
    sender_timeouts: tuple[SenderTimeout, ...] | None = None
    """Only in samples for which they were read, with ``publishes``."""
    databases: tuple[DatabaseState, ...] | None = None
    """Those about which something is wrong, 20 at most; only in samples for which they were read and had any, and once
    in a sample after that."""
    conflicts: ConflictsT = {}  # type: ignore[assignment]
    """Queries cancelled by replay: database, then kind, then count."""
    activity: Activity | None = None
    archiver: Archiver | None = None
    disk: Disk | None = None
    cost: Cost | None = None
    not_permitted: tuple[str, ...] = ()
    """Groups of fields that the agent's role may not read, and single fields as ``group.field``."""
    not_supported: tuple[str, ...] = ()
    """The same for what the server does not have, or refuses to everybody."""
    not_read: tuple[str, ...] = ()
    """The same for what could not be read this time, because a lock is in the way."""
    left_out: dict[str, Count] = {}
    """Rows that a look found and its sample leaves out, by group: they would make it larger than readers take, and say
    less than those that it has. For a group that is left out as a whole the number is 1."""
    login: str = ""
    """The agent's role, quoted where SQL needs it."""


class SettingValue(Value, frozen=True, kw_only=True):
    """One setting, as the server reports it."""

    value: str
    unit: str | None = None
    source: str = ""
    file: str | None = None
    """The configuration file that sets it; None where none does, or it may not be shown."""
    line: Count | None = None
    pending_restart: bool = False


class NodeSettings(Value, frozen=True, kw_only=True, tag="settings", tag_field="kind"):
    """The settings of a node that matter to replication, and its published tables without identity."""

    node: Node
    seq: Count
    at: Time
    sent_at: Time
    settings: dict[str, SettingValue]
    unchanged_at: Time | None = None
    """The last look, by the server's clock, at which it had not read its configuration files anew since the agent read
    its settings before: they changed after it. None at the first reading."""
    without_identity: tuple[str, ...] = ()
    """Published tables without replica identity, from agents that do not send ``refused`` with samples."""


class Tick(Value, frozen=True, kw_only=True, tag="tick", tag_field="kind"):
    """The passing of time in one partition. Silence is judged by it."""

    at: Time
    worker: str = ""

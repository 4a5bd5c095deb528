"""Observations of agents, and ticks.

A ``Sample`` is written every interval, ``NodeSettings`` on start, on change and every ten minutes. A ``Tick`` is the
passing of time; the processor writes it, so that silence is an event in the topic. Groups of fields that an engine, a
role or a version does not have are absent; absent never means zero or healthy.
"""

from typing import Generic

from typing_extensions import TypeVar

from leadline.model import Count, Int64, Seconds, Time, Value
from leadline.model.activity import Activity
from leadline.model.host import Archiver, Cost, Disk
from leadline.model.node import Node
from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline.model.server_log import ServerLog
from leadline.model.tables import DatabaseState, RefusedTable, SenderTimeout, SlowTable, TableCopy, Tables

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
    inherits: bool = True
    """Whether a role that is granted to ``login`` gives it its rights at once."""


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

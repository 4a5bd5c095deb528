"""Tables of logical replication, and databases, as a server shows them."""

from typing import Literal

from leadline.model import Count, Int64, Seconds, Value


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

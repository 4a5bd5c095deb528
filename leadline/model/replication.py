"""Positions, connections, slots and subscriptions, as a server shows them."""

from leadline.model import Count, Int64, Seconds, Time, Value
from leadline.model.lsn import Lsn
from leadline.model.node import LinkKind


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

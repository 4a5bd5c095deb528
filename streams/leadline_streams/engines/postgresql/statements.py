"""Steps that several causes propose. Every statement runs as it is on PostgreSQL 13 and later.

Those that look need no more than ``pg_monitor``. Those that change something need a superuser, or the role of the
session that they end.
"""

import re

from leadline.model.activity import Session
from leadline.model.ids import NodeName
from leadline.model.incident import Risk, Step
from leadline_streams.judge.diagnosis.ranking import literal

RELOAD = "SELECT pg_reload_conf()"
RESTART = "Restart PostgreSQL"
_PLAIN = re.compile(r"-?\d+|on|off").fullmatch
"""Whether a value needs no quotes."""
COMMITTING = "IPC/SyncRep"
_SESSION = "SELECT pid, usename, application_name, client_addr, state, now() - xact_start AS transaction_age, query"


def show_settings(node: NodeName, *names: str) -> Step:
    """Values of settings and the files that set them. Not for settings that may hold a password."""
    listed = ", ".join(map(literal, names))
    columns = "name, setting, unit, source, sourcefile, pending_restart"
    return Step(risk="look", node=node, sql=f"SELECT {columns} FROM pg_settings WHERE name IN ({listed})")


def change_setting(node: NodeName, name: str, value: str | None, risk: Risk, *, restart: bool = False) -> list[Step]:
    """Set a setting, or reset it where ``value`` is None, and put it into effect by a reload or a restart.

    ``flavours`` words it for a server of a managed service.
    """
    sql = (
        f"ALTER SYSTEM RESET {name}"
        if value is None
        else f"ALTER SYSTEM SET {name} = {value if _PLAIN(value) else literal(value)}"
    )
    return [Step(risk=risk, node=node, sql=sql), restart_server(node) if restart else reload_settings(node)]


def reload_settings(node: NodeName) -> Step:
    """Read the configuration files again."""
    return Step(risk="safe", node=node, sql=RELOAD)


def restart_server(node: NodeName) -> Step:
    """Restart the server."""
    return Step(risk="careful", node=node, text=RESTART)


def show_session(node: NodeName, pid: int) -> Step:
    """A session: its user, its application, its transaction and its query. No row when it has ended."""
    return Step(risk="look", node=node, sql=f"{_SESSION} FROM pg_stat_activity WHERE pid = {pid}")


def show_snapshots(node: NodeName) -> Step:
    """The sessions with the oldest snapshots."""
    columns = "pid, usename, application_name, state, xact_start, age(backend_xmin), query"
    return Step(
        risk="look",
        node=node,
        sql=f"SELECT {columns} FROM pg_stat_activity WHERE backend_xmin IS NOT NULL "
        "ORDER BY age(backend_xmin) DESC LIMIT 5",
    )


def end_session(node: NodeName, session: Session) -> list[Step]:
    """End a client session and roll back its transaction.

    Not one whose commit waits for a standby: its transaction is committed, and to end the wait is to give it up.
    """
    if session.wait == COMMITTING:
        return []
    return [Step(risk="careful", node=node, sql=f"SELECT pg_terminate_backend({session.pid})")]


def end_sender(node: NodeName, pid: int) -> Step:
    """End a WAL sender. Its consumer connects again, if it runs."""
    return Step(risk="careful", node=node, sql=f"SELECT pg_terminate_backend({pid})")


def show_clients(node: NodeName) -> Step:
    """Everything that uses a server: client sessions, standbys and subscribers."""
    return Step(
        risk="look",
        node=node,
        sql=f"{_SESSION} FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender')",
    )


def show_senders(node: NodeName) -> Step:
    """Connected standbys and subscribers, and how far each has confirmed."""
    columns = "application_name, client_addr, state, sync_state, sent_lsn, write_lsn, flush_lsn, replay_lsn, reply_time"
    return Step(risk="look", node=node, sql=f"SELECT {columns} FROM pg_stat_replication")


def see_role(node: NodeName, beside: NodeName) -> Step:
    """Whether a server that does not answer would start as a standby, and not beside one that takes writes."""
    return Step(
        risk="look",
        node=node,
        text=f"See whether the data directory of {node} has a file standby.signal: without it, {node} would take "
        f"writes beside {beside}",
    )


def show_receiver(node: NodeName) -> Step:
    """The WAL receiver of a standby. No row when none is running."""
    columns = "pid, status, sender_host, sender_port, flushed_lsn, latest_end_lsn, last_msg_receipt_time"
    return Step(risk="look", node=node, sql=f"SELECT {columns} FROM pg_stat_wal_receiver")


def show_server(node: NodeName) -> Step:
    """Which server this is: its role, its identity, where it runs, and how many clients it has."""
    return Step(
        risk="look",
        node=node,
        sql="SELECT pg_is_in_recovery(), system_identifier, inet_server_addr(), inet_server_port(), "
        "(SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('client backend', 'walsender')) AS clients "
        "FROM pg_control_system()",
    )


def rebuild_standby(node: NodeName, upstream: NodeName) -> Step:
    """Build a standby again beside its old data directory."""
    text = (
        f"Otherwise, and only where the statement before shows {node} in recovery: stop it, rename its data directory, "
        f"and rebuild it from {upstream} with pg_basebackup. Remove the old directory when the new standby streams"
    )
    return Step(risk="destructive", node=node, text=text)


def show_replay(node: NodeName) -> Step:
    """The startup process of a standby, which replays WAL, and what it waits for."""
    return Step(
        risk="look",
        node=node,
        sql="SELECT pid, wait_event_type, wait_event, pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn() "
        "FROM pg_stat_activity WHERE backend_type = 'startup'",
    )


def show_prepared(node: NodeName) -> Step:
    """Prepared transactions, the oldest first. The age is in transactions."""
    columns = "gid, prepared, owner, database, age(transaction)"
    return Step(risk="look", node=node, sql=f"SELECT {columns} FROM pg_prepared_xacts ORDER BY prepared")


def show_slot(node: NodeName, slot: str) -> Step:
    """A slot: the session that uses it, the WAL and the rows that it retains."""
    columns = (
        "slot_name, slot_type, database, active, active_pid, restart_lsn, confirmed_flush_lsn, wal_status, "
        "age(xmin) AS xmin_age, age(catalog_xmin) AS catalog_xmin_age"
    )
    return Step(
        risk="look", node=node, sql=f"SELECT {columns} FROM pg_replication_slots WHERE slot_name = {literal(slot)}"
    )


def show_slots(node: NodeName) -> Step:
    """Every slot of a server, those that nobody uses first."""
    columns = "slot_name, slot_type, database, active, active_pid, restart_lsn, wal_status"
    return Step(risk="look", node=node, sql=f"SELECT {columns} FROM pg_replication_slots ORDER BY active, slot_name")


def drop_slot(node: NodeName, slot: str) -> Step:
    """Drop a slot. The WAL that it retained is removed, so its consumer can never go on."""
    return Step(risk="destructive", node=node, sql=f"SELECT pg_drop_replication_slot({literal(slot)})")

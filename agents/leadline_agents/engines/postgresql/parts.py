"""The functions and views of a look that a server may lack or refuse, and the text that takes the place of each.

A service may refuse a function that PostgreSQL allows to everybody, and an owner may revoke what is public by default.
Where one is refused, the statement gets NULL or no row in its place, and the sample says what was therefore not read.
"""

import re
from collections.abc import Callable
from typing import NamedTuple


class Part(NamedTuple):
    """One function or view."""

    name: str
    """As it stands in the files of ``queries/``."""
    stub: str
    """Stands in its place where it is refused."""
    loses: tuple[str, ...]
    """Groups and fields of a sample that are not read then; a group is left out as a whole."""
    functions: tuple[str, ...] = ()
    """Signatures of the functions that it calls; a view calls them with the rights of the reader."""
    relation: str | None = None
    asked: str = "SELECT count(*) FROM {name} AS one"
    """Asks for it alone."""


def _function(name: str, kind: str, *loses: str, role: str = "", calls: tuple[str, ...] = ()) -> Part:
    """A function without arguments. ``role``: the condition under which it may be called at all."""
    asked = f"SELECT CASE WHEN {role} THEN {{name}} END" if role else "SELECT {name}"
    return Part(name, f"NULL::{kind}", loses, calls or (name,), None, asked)


def _rows(name: str, columns: str, loses: tuple[str, ...], calls: tuple[str, ...] = (), stub: str = "") -> Part:
    """A view or a function that returns rows. ``columns``: those that the statements use, each as ``name type``."""
    listed = ", ".join(
        f"NULL::{kind} AS {column}" for column, kind in (each.split(" ", 1) for each in columns.split(", "))
    )
    function = name.endswith(")")
    where = "" if function else " WHERE false"
    return Part(
        name,
        stub or f"(SELECT {listed}{where})",
        loses,
        calls or ((name,) if function else ()),
        None if function else name,
    )


_PRIMARY, _STANDBY = "NOT pg_is_in_recovery()", "pg_is_in_recovery()"
_SEGMENT = "pg_walfile_name(pg_current_wal_lsn())"
_READY = "(SELECT count(*) FROM pg_ls_archive_statusdir() AS file WHERE name LIKE '%.ready')"
_SESSIONS = "pg_stat_get_activity(integer)"
_CONFLICTS = ("tablespace", "lock", "snapshot", "bufferpin", "startup_deadlock")
_KINDS = (
    *("insert_exists", "update_origin_differs", "update_exists", "update_missing", "delete_origin_differs"),
    *("delete_missing", "multiple_unique_conflicts"),
)
_LOCK = (
    "pid int, granted bool, mode text, locktype text, database oid, relation oid, page int, tuple smallint, "
    "virtualxid text, transactionid xid, classid oid, objid oid, objsubid smallint"
)
_SESSION = (
    "pid int, backend_start timestamptz, backend_type text, usename name, application_name text, datname name, "
    "client_addr inet, state text, xact_start timestamptz, state_change timestamptz, backend_xid xid, "
    "backend_xmin xid, wait_event_type text, wait_event text, query text"
)
_RECEIVER = (
    "slot_name text, sender_host text, sender_port int, status text, written_lsn pg_lsn, flushed_lsn pg_lsn, "
    "latest_end_lsn pg_lsn, received_tli int, last_msg_receipt_time timestamptz"
)
_DECODED = ", ".join(f"{name} bigint" for name in ("spill_txns", "spill_bytes", "stream_txns", "stream_bytes"))

PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        _function(
            _SEGMENT, "text", "node.timeline", role=_PRIMARY, calls=("pg_current_wal_lsn()", "pg_walfile_name(pg_lsn)")
        ),
        _function("pg_postmaster_start_time()", "timestamptz", "node.started_at"),
        _function("pg_conf_load_time()", "timestamptz"),
        _rows("pg_control_system()", "system_identifier bigint", ("node.system_id",)),
        _rows("pg_control_checkpoint()", "timeline_id int, redo_lsn pg_lsn", ("positions.redo_lsn",)),
        _rows("pg_control_recovery()", "min_recovery_end_timeline int", ()),
        _function(
            "pg_current_wal_flush_lsn()", "pg_lsn", "positions.current_lsn", "slots.retained_bytes", role=_PRIMARY
        ),
        _function("pg_last_wal_receive_lsn()", "pg_lsn", "positions.received_lsn"),
        _function("pg_last_wal_replay_lsn()", "pg_lsn", "positions.replayed_lsn"),
        _function("pg_last_xact_replay_timestamp()", "timestamptz", "positions.last_replay_at"),
        _function("pg_is_wal_replay_paused()", "bool", "positions.replay_paused", role=_STANDBY),
        _function("pg_get_wal_replay_pause_state()", "text", "positions.replay_paused", role=_STANDBY),
        _rows("pg_stat_wal_receiver", _RECEIVER, ("upstream",), ("pg_stat_get_wal_receiver()",)),
        _rows("pg_stat_replication", "pid int", ("downstreams",), (_SESSIONS, "pg_stat_get_wal_senders()")),
        _rows(
            "pg_replication_slots",
            "slot_name name, active_pid int",
            ("slots", "downstreams"),
            ("pg_get_replication_slots()",),
        ),
        _rows(
            "pg_stat_replication_slots",
            f"slot_name text, {_DECODED}, total_txns bigint, total_bytes bigint",
            ("slots.spill_bytes",),
            ("pg_stat_get_replication_slot(text)",),
        ),
        _rows("pg_stat_activity", _SESSION, ("activity", "positions.startup_wait"), (_SESSIONS,)),
        _rows("pg_locks", _LOCK, ("activity.blockers",), ("pg_lock_status()",)),
        _rows(
            "pg_prepared_xacts",
            "prepared timestamptz, gid text, transaction xid",
            ("activity.prepared_transactions",),
            ("pg_prepared_xact()",),
        ),
        _rows("pg_stat_archiver", "archived_count bigint", ("archiver",), ("pg_stat_get_archiver()",)),
        _rows(
            "pg_stat_database_conflicts",
            "datname name",
            ("conflicts",),
            tuple(f"pg_stat_get_db_conflict_{kind}(oid)" for kind in _CONFLICTS),
        ),
        _rows(
            "pg_subscription",
            "subname name, oid oid, subdbid oid, subowner oid, subrunasowner bool",
            ("subscriptions", "copies"),
        ),
        _rows(
            "pg_stat_progress_copy",
            "pid int, bytes_processed bigint",
            ("copies.copied_bytes",),
            ("pg_stat_get_progress_info(text)",),
        ),
        _rows("pg_subscription_rel", "srsubid oid, srrelid oid, srsubstate text", ("subscriptions.tables",)),
        _rows("pg_stat_subscription", "pid int", ("subscriptions", "copies"), ("pg_stat_get_subscription(oid)",)),
        _rows(
            "pg_stat_subscription_stats",
            "subid oid, apply_error_count bigint, sync_error_count bigint, "
            + ", ".join(f"confl_{kind} bigint" for kind in _KINDS),
            ("subscriptions.apply_errors",),
            ("pg_stat_get_subscription_stats(oid)",),
        ),
        _rows("pg_stat_get_backend_idset()", "backend int", ()),
        _rows("pg_publication", "pubname name, pubupdate bool, pubdelete bool", ("publications",)),
        Part(_READY, "NULL::bigint", ("archiver.ready",), ("pg_ls_archive_statusdir()",), None, "SELECT {name}"),
        _rows("pg_ls_waldir()", "size bigint", ("disk",)),
        _rows(
            "pg_settings",
            "name text, setting text, unit text, source text, sourcefile text, sourceline int, pending_restart bool",
            ("settings",),
            ("pg_show_all_settings()",),
        ),
    )
}
GROUPS = frozenset(
    {
        *("downstreams", "upstream", "slots", "subscriptions", "copies", "conflicts", "activity", "archiver"),
    }
)
"""Groups of the look that are left out as a whole when one of their parts is refused."""
LOCKED: dict[int, tuple[str, ...]] = {
    1262: ("pg_stat_activity", "pg_replication_slots", "pg_stat_database_conflicts", "pg_subscription"),
    1260: ("pg_stat_activity", "pg_stat_replication"),
    6100: ("pg_subscription", "pg_stat_subscription", "pg_stat_subscription_stats"),
    6102: ("pg_subscription_rel",),
    6104: ("pg_publication",),
}
"""Parts that wait for a lock on a system catalog, by its oid: pg_database, pg_authid, pg_subscription, its tables,
pg_publication."""

_ANY = "|".join(map(re.escape, sorted(PARTS, key=len, reverse=True)))
# The first assertion is only quick: most characters begin no name.
_NAMES = re.compile(rf"(?=[p(])(?<![\w.'])(?:{_ANY})(?!\w)")


def substituted(text: str, refused: frozenset[str]) -> str:
    """A statement with the stub of each part that is refused."""
    if not refused:
        return text
    replacement: Callable[[re.Match[str]], str] = lambda found: (  # noqa: E731
        PARTS[found[0]].stub if found[0] in refused else found[0]
    )
    return _NAMES.sub(replacement, text)


def used_by(text: str) -> list[Part]:
    """The parts that a statement reads."""
    return [PARTS[name] for name in dict.fromkeys(found[0] for found in _NAMES.finditer(text))]


def lost(refused: frozenset[str]) -> tuple[str, ...]:
    """Groups and fields that are not read while these parts are refused."""
    return tuple(dict.fromkeys(name for part in PARTS.values() if part.name in refused for name in part.loses))

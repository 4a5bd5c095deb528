"""The metrics of exporters that are about replication: their labels, when they disappear, and what they hide.

One entry per metric, from the sources of the exporters. ``docs/how-to/import-prometheus-rules.md`` lists them.
"""

import re
from dataclasses import dataclass
from typing import Final

LAG_S: Final = ("replication_lag", "replication_stalled", "lag_forecast")
LAG_BYTES: Final = ("replication_lag_bytes", "lag_forecast")
CUT: Final = ("replication_cut_off",)
SLOT: Final = ("slot_inactive", "slot_retention_forecast")
LOST: Final = ("slot_lost", "slot_retention_forecast")
ROLE: Final = ("primary_lost", "split_brain")
ARCHIVE: Final = ("archive_failing",)
LOGICAL: Final = ("subscription_without_worker", "subscription_disabled", "apply_error")
NONE: Final[tuple[str, ...]] = ()

IDLE: Final = (
    "the exporter takes the time since the last replayed transaction, so the value grows while the primary is idle "
    "and nothing is behind"
)
ZERO: Final = (
    "the exporter says 0 when everything that was received is replayed, so it says 0 as well while the stream is cut "
    "off and nothing is received"
)
ROW: Final = "the series is a row of pg_stat_replication: it disappears when the standby is disconnected"
NULL: Final = "the server says NULL while the SQL thread is stopped, and the exporter leaves the series out"
SLOT_ROW: Final = "a slot that has lost its WAL has no position, so the series has no value when it is too late"
ACTIVE: Final = "the exporter leaves the series out while the slot is inactive"
SYNCED: Final = (
    "a slot is inactive on every standby too, where it is synchronized or left from an earlier role, so the alert "
    "fires after each failover"
)
TERMS: Final = "MySQL 8.4 has no SHOW SLAVE STATUS; there the exporter emits {new} and no series of this name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of an exporter."""

    exporter: str
    labels: frozenset[str] = frozenset()
    """Its own labels. Those of the target, such as ``instance`` and ``job``, are on every metric."""
    unit: str = ""
    """``s``, ``bytes``, ``state`` for 0 and 1, ``count`` for a number that only rises, ``place`` for a position."""
    vanishes: str = ""
    """The fault in which the series disappears; empty where it stays."""
    hides: str = ""
    """A fault that the value does not show."""
    alarms: str = ""
    """A state without a fault in which the value is high."""
    gone: str = ""
    """The reason that no supported version emits it; empty where one does."""
    restarts: str = ""
    """The event after which a new series begins."""
    ours: tuple[str, ...] = NONE
    """The rules of Leadline in its place."""


def _of(exporter: str, labels: str = "", **fields: object) -> Metric:
    return Metric(exporter=exporter, labels=frozenset(labels.split()), **fields)  # type: ignore[arg-type]


PG, MY, CNPG, CCP, PATRONI = "postgres_exporter", "mysqld_exporter", "CloudNativePG", "pgMonitor", "Patroni"
SENDER = "application_name client_addr state slot_name"
SLOTS = "slot_name slot_type database plugin"
CHANNEL = "master_host master_uuid channel_name connection_name"
RECONNECT = "a reconnection begins a new series where the exporter adds a label for the process or the state"

METRICS: Final[dict[str, Metric]] = {
    # https://github.com/prometheus-community/postgres_exporter collector/pg_replication.go, #385, #966, PR 895, PR 977
    "pg_replication_lag_seconds": _of(PG, unit="s", hides=ZERO, ours=(*LAG_S, *CUT)),
    "pg_replication_lag": _of(
        PG,
        unit="s",
        alarms=IDLE,
        gone="postgres_exporter names it pg_replication_lag_seconds since 0.12",
        ours=(*LAG_S, *CUT),
    ),
    "pg_replication_is_replica": _of(PG, unit="state", ours=ROLE),
    "pg_replication_slots_active": _of(PG, SLOTS, unit="state", alarms=SYNCED, ours=SLOT),
    "pg_replication_slots_pg_wal_lsn_diff": _of(PG, SLOTS, unit="bytes", vanishes=SLOT_ROW, ours=LOST),
    # collector/pg_replication_slot.go
    "pg_replication_slot_slot_is_active": _of(PG, "slot_name slot_type", unit="state", alarms=SYNCED, ours=SLOT),
    "pg_replication_slot_slot_confirmed_flush_lsn": _of(
        PG, "slot_name slot_type", unit="place", vanishes=ACTIVE, ours=LOST
    ),
    "pg_replication_slot_slot_current_wal_lsn": _of(
        PG, "slot_name slot_type", unit="place", vanishes=SLOT_ROW, ours=LOST
    ),
    "pg_replication_slot_safe_wal_size_bytes": _of(
        PG, "slot_name slot_type", unit="bytes", vanishes=SLOT_ROW, ours=LOST
    ),
    "pg_replication_slot_wal_status": _of(
        PG, "slot_name slot_type wal_status", unit="state", vanishes=SLOT_ROW, ours=LOST
    ),
    "pg_stat_replication_pg_wal_lsn_diff": _of(
        PG, SENDER, unit="bytes", vanishes=ROW, restarts=RECONNECT, ours=(*LAG_BYTES, *CUT)
    ),
    "pg_stat_replication_pg_current_wal_lsn_bytes": _of(PG, SENDER, unit="place", vanishes=ROW, ours=LAG_BYTES),
    "pg_stat_replication_pg_xlog_location_diff": _of(
        PG, SENDER, unit="bytes", vanishes=ROW, gone="only servers before PostgreSQL 10 have it", ours=LAG_BYTES
    ),
    "pg_stat_archiver_failed_count": _of(PG, unit="count", ours=ARCHIVE),
    "pg_stat_archiver_last_archive_age": _of(
        PG,
        unit="s",
        alarms="no segment is archived while nothing is written, so the age grows on an idle server",
        ours=ARCHIVE,
    ),
    # https://github.com/prometheus/mysqld_exporter collector/slave_status.go
    "mysql_slave_status_seconds_behind_master": _of(
        MY, CHANNEL, unit="s", vanishes=NULL, gone=TERMS.format(new="mysql_slave_status_seconds_behind_source")
    ),
    "mysql_slave_status_slave_io_running": _of(
        MY, CHANNEL, unit="state", gone=TERMS.format(new="mysql_slave_status_replica_io_running")
    ),
    "mysql_slave_status_slave_sql_running": _of(
        MY, CHANNEL, unit="state", gone=TERMS.format(new="mysql_slave_status_replica_sql_running")
    ),
    "mysql_slave_status_master_server_id": _of(
        MY, CHANNEL, unit="state", gone=TERMS.format(new="mysql_slave_status_source_server_id")
    ),
    "mysql_slave_status_sql_delay": _of(MY, CHANNEL, unit="s"),
    "mysql_slave_status_seconds_behind_source": _of(MY, CHANNEL, unit="s", vanishes=NULL),
    "mysql_slave_status_replica_io_running": _of(MY, CHANNEL, unit="state"),
    "mysql_slave_status_replica_sql_running": _of(MY, CHANNEL, unit="state"),
    "mysql_slave_status_source_server_id": _of(MY, CHANNEL, unit="state"),
    "mysql_heartbeat_now_timestamp_seconds": _of(MY, "server_id", unit="place"),
    "mysql_heartbeat_stored_timestamp_seconds": _of(MY, "server_id", unit="place"),
    "mysql_global_status_wsrep_ready": _of(MY, unit="state"),
    "mysql_global_status_wsrep_local_state": _of(MY, unit="state"),
    "mysql_global_status_wsrep_local_recv_queue": _of(MY, unit="number"),
    "mysql_global_variables_wsrep_desync": _of(MY, unit="state"),
    # https://github.com/cloudnative-pg/cloudnative-pg config/manager/default-monitoring.yaml, #1814
    "cnpg_pg_replication_lag": _of(CNPG, unit="s", hides=ZERO, ours=(*LAG_S, *CUT)),
    "cnpg_pg_replication_in_recovery": _of(CNPG, unit="state", ours=ROLE),
    "cnpg_pg_replication_is_wal_receiver_up": _of(CNPG, unit="state", ours=CUT),
    "cnpg_pg_replication_streaming_replicas": _of(CNPG, unit="number", ours=CUT),
    "cnpg_pg_replication_slots_active": _of(CNPG, SLOTS, unit="state", alarms=SYNCED, ours=SLOT),
    "cnpg_pg_replication_slots_pg_wal_lsn_diff": _of(CNPG, SLOTS, unit="bytes", vanishes=SLOT_ROW, ours=LOST),
    "cnpg_pg_stat_archiver_last_failed_time": _of(CNPG, unit="place", ours=ARCHIVE),
    "cnpg_pg_stat_archiver_last_archived_time": _of(CNPG, unit="place", ours=ARCHIVE),
    **{
        f"cnpg_pg_stat_replication_{stage}_lag_seconds": _of(
            CNPG, "application_name client_addr usename", unit="s", vanishes=ROW, ours=(*LAG_S, *CUT)
        )
        for stage in ("write", "flush", "replay")
    },
    **{
        f"cnpg_pg_stat_replication_{stage}_diff_bytes": _of(
            CNPG, "application_name client_addr usename", unit="bytes", vanishes=ROW, ours=(*LAG_BYTES, *CUT)
        )
        for stage in ("sent", "write", "flush", "replay")
    },
    # The chart of CloudNativePG adds its own queries for subscriptions.
    **{
        f"cnpg_pg_stat_subscription_{name}": _of(CNPG, "subname", unit=unit, ours=(*LOGICAL, *ours))
        for name, unit, ours in (
            ("enabled", "state", NONE),
            ("pid", "state", NONE),
            ("receipt_lag_seconds", "s", LAG_S),
            ("apply_lag_seconds", "s", LAG_S),
            ("buffered_lag_bytes", "bytes", LAG_BYTES),
            ("apply_error_count", "count", NONE),
            ("sync_error_count", "count", NONE),
        )
    },
    # https://github.com/CrunchyData/pgmonitor sql_exporter, pgmonitor#319
    "ccp_replication_lag_size_bytes": _of(
        CCP, "replica replica_hostname replica_port", unit="bytes", vanishes=ROW, ours=(*LAG_BYTES, *CUT)
    ),
    "ccp_replication_lag_replay_time": _of(CCP, unit="s", alarms=IDLE, ours=(*LAG_S, *CUT)),
    "ccp_replication_lag_received_time": _of(CCP, unit="s", alarms=IDLE, ours=(*LAG_S, *CUT)),
    "ccp_replication_slots_active": _of(CCP, SLOTS, unit="state", alarms=SYNCED, ours=SLOT),
    "ccp_replication_slots_retained_bytes": _of(CCP, SLOTS, unit="bytes", vanishes=SLOT_ROW, ours=LOST),
    "ccp_is_in_recovery_status": _of(CCP, unit="state", ours=ROLE),
    "ccp_archive_command_status_seconds_since_last_fail": _of(CCP, unit="s", ours=ARCHIVE),
    # https://patroni.readthedocs.io/en/latest/rest_api.html, GET /metrics
    **{
        f"patroni_{name}": _of(PATRONI, "scope name", unit=unit, ours=ours)
        for name, unit, ours in (
            ("master", "state", ROLE),
            ("primary", "state", ROLE),
            ("replica", "state", ROLE),
            ("standby_leader", "state", ROLE),
            ("sync_standby", "state", ("sync_degraded",)),
            ("quorum_standby", "state", ("sync_degraded",)),
            ("cluster_unlocked", "state", ROLE),
            ("postgres_running", "state", ("node_down",)),
            ("postgres_streaming", "state", CUT),
            ("postgres_in_archive_recovery", "state", CUT),
            ("postgres_timeline", "place", ROLE),
            ("xlog_paused", "state", ("replay_paused",)),
            ("xlog_location", "place", LAG_BYTES),
            ("xlog_received_location", "place", LAG_BYTES),
            ("xlog_replayed_location", "place", LAG_BYTES),
            ("xlog_replayed_timestamp", "place", LAG_S),
        )
    },
}
"""Every metric by name."""

FAMILIES: Final = (
    "pg_replication_",
    "pg_stat_replication_",
    "pg_replication_slot_",
    "mysql_slave_status_",
    "mysql_heartbeat_",
    "cnpg_pg_replication_",
    "cnpg_pg_stat_replication_",
    "cnpg_pg_stat_subscription_",
    "ccp_replication_",
)
"""A name that begins so and is not listed is of a query of the user, or of none."""
_DATABASE: Final = re.compile(
    r"^(pg|postgres|postgresql|mysql|mysqld|mariadb|galera|wsrep|cnpg|ccp|patroni|stolon|repmgr|spock|bdr|pgedge|"
    r"timescale\w*|database|db|instance:mysql|job:mysql|instance:pg|job:pg)(?=[_:])"
)
_SUBJECT: Final = re.compile(
    r"replica|slave|standby|stat_replication|subscription|publication|wal_receiver|walreceiver|wsrep|galera|xlog|"
    r"in_recovery|failover|archiv|(?<![a-z])lag(?![a-z])|slot|timeline"
)


def is_about_replication(name: str) -> bool:
    """Whether a metric is about replication between databases, as far as its name says."""
    if name in METRICS or name.startswith(FAMILIES):
        return True
    return bool(_DATABASE.match(name) and _SUBJECT.search(name)) or name.startswith("replication_lag")

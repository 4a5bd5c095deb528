"""Violations of the rules about standbys, WAL, archives and durability."""

from msgspec.structs import replace

from leadline.model.activity import Activity
from leadline.model.audit_look import (
    AuditedExtension,
)
from tests.unit.streams.audit.changes import (
    LOGICAL,
    REPLICATES,
    Case,
    P,
    S,
    archiving,
    both,
    hba,
    nothing,
    older,
    put,
    rows,
    sorted_by,
)

CASES = [
    Case("PG-SBY-001", put(S, max_standby_streaming_delay="-1")),
    Case(
        "PG-SBY-002",
        put(S, max_standby_streaming_delay="0"),
        put(S, max_standby_streaming_delay="0", hot_standby_feedback="on"),
    ),
    Case(
        "PG-SBY-003",
        put(S, max_standby_archive_delay="-1", restore_command="cp %p"),
        put(S, max_standby_archive_delay="-1"),
    ),
    Case(
        "PG-SBY-004",
        lambda draft: draft.slot(S, **LOGICAL),
        both(lambda draft: draft.slot(S, **LOGICAL), put(S, hot_standby_feedback="on")),
    ),
    Case("PG-SBY-005", put(S, recovery_min_apply_delay="5000"), put(P, recovery_min_apply_delay="5000")),
    Case(
        "PG-SBY-006",
        lambda draft: draft.sampled(S, positions=replace(draft.sample_of(S).positions, replay_paused=True)),
    ),
    Case("PG-SBY-007", put(S, primary_conninfo=""), put(S, primary_conninfo="", restore_command="cp %f %p")),
    Case("PG-SBY-008", put(S, wal_receiver_status_interval="0")),
    Case("PG-SBY-009", put(S, wal_receiver_timeout="0")),
    Case("PG-SBY-010", put(S, recovery_target_timeline="current")),
    Case(
        "PG-SBY-011", put(S, recovery_target_time="2026-01-01 00:00:00+00"), put(P, recovery_target_time="2026-01-01")
    ),
    Case(
        "PG-SBY-012",
        nothing,
        lambda draft: draft.read(
            S,
            settings={
                **draft.look_of(S).settings,
                "primary_conninfo": replace(draft.look_of(S).settings["primary_conninfo"], secret=False),
            },
        ),
    ),
    Case(
        "PG-SBY-013",
        put(S, primary_conninfo="host=10.0.0.1", cluster_name=""),
        put(S, primary_conninfo="host=10.0.0.1"),
    ),
    Case(
        "PG-SBY-014",
        put(S, wal_receiver_create_temp_slot="on", primary_slot_name=""),
        put(S, wal_receiver_create_temp_slot="on"),
    ),
    Case(
        "PG-SBY-015",
        put(S, sync_replication_slots="on"),
        put(S, sync_replication_slots="on", hot_standby_feedback="on"),
        major=17,
    ),
    Case("PG-DUR-001", put(P, fsync="off")),
    Case("PG-DUR-002", put(S, full_page_writes="off")),
    Case("PG-DUR-003", put(P, data_checksums="off"), put(S, data_checksums="off")),
    Case("PG-DUR-004", put(P, data_checksums="off", wal_log_hints="off"), put(P, data_checksums="off")),
    Case("PG-DUR-005", put(P, synchronous_commit="off"), put(S, synchronous_commit="off")),
    Case(
        "PG-DUR-006",
        lambda draft: draft.read(P, unlogged=("sessions",)),
        lambda draft: draft.read(P, unlogged=("sessions",)).sampled(P, downstreams=()),
    ),
    Case("PG-DUR-007", put(P, ignore_checksum_failure="on")),
    Case("PG-DUR-008", put(P, vacuum_defer_cleanup_age="1000"), major=15),
    Case("PG-DUR-009", put(P, data_sync_retry="on")),
    Case(
        "PG-DUR-010",
        lambda draft: draft.sampled(P, activity=Activity(prepared_oldest_s=7200.0, prepared_gid="x")),
        lambda draft: draft.sampled(P, activity=Activity(prepared_oldest_s=7.0, prepared_gid="x")),
    ),
    Case("PG-DUR-011", sorted_by(P, "2.31", "2.36"), both(sorted_by(P, None, "2.36"), sorted_by(S, "2.31", "2.36"))),
    Case("PG-WAL-001", put(P, wal_level="minimal"), put(P, wal_level="replica")),
    Case("PG-WAL-002", put(P, max_slot_wal_keep_size="-1"), put(S, max_slot_wal_keep_size="-1")),
    Case("PG-WAL-003", put(P, max_slot_wal_keep_size="64"), put(P, max_slot_wal_keep_size="-1")),
    Case("PG-WAL-004", put(S, primary_slot_name=""), both(put(S, primary_slot_name=""), put(P, wal_keep_size="1024"))),
    Case(
        "PG-WAL-005",
        lambda draft: draft.slot(P, active=False, inactive_s=900.0),
        lambda draft: draft.slot(P, active=False, inactive_s=20.0),
    ),
    Case(
        "PG-WAL-006", lambda draft: draft.slot(P, xmin_age=60_000_000), lambda draft: draft.slot(P, xmin_age=40_000_000)
    ),
    Case("PG-WAL-007", put(P, max_wal_senders="1")),
    Case("PG-WAL-008", put(P, max_replication_slots="1")),
    Case("PG-WAL-009", put(P, idle_replication_slot_timeout="600"), put(P, idle_replication_slot_timeout="86400")),
    Case("PG-WAL-010", put(P, wal_sender_timeout="0")),
    Case("PG-WAL-011", put(P, wal_sender_timeout="5000"), put(P, wal_sender_timeout="0")),
    Case("PG-WAL-012", lambda draft: draft.slot(P, wal_status="lost", active=False)),
    Case(
        "PG-WAL-013",
        lambda draft: draft.slot(P, **{**LOGICAL, "plugin": "wal2json"}),
        both(
            lambda draft: draft.slot(P, **{**LOGICAL, "plugin": "wal2json"}),
            put(P, output_plugin_libraries="pgoutput, wal2json"),
        ),
    ),
    Case(
        "PG-WAL-014",
        lambda draft: draft.slot(P, **{**LOGICAL, "plugin": "wal2json"}),
        lambda draft: draft.slot(P, **LOGICAL),
        major=15,
    ),
    Case(
        "PG-ARC-001",
        both(archiving(P, last_failed_s=3.0, last_archived_s=60.0), put(P, archive_command="x")),
        both(archiving(P, last_failed_s=60.0, last_archived_s=3.0), put(P, archive_command="x")),
    ),
    Case("PG-ARC-002", both(archiving(P), put(P, archive_command="")), both(archiving(S), put(S, archive_command=""))),
    Case(
        "PG-ARC-003",
        both(archiving(P), put(P, archive_command="/bin/true")),
        both(archiving(S), put(S, archive_command="/bin/true")),
    ),
    Case("PG-ARC-004", put(P, archive_mode="on", archive_command="x"), put(S, archive_mode="on")),
    Case(
        "PG-ARC-005",
        both(archiving(P, ready=400), put(P, archive_command="x")),
        both(archiving(P, ready=4), put(P, archive_command="x")),
    ),
    Case(
        "PG-ARC-006",
        put(S, restore_command="cp %f %p"),
        both(put(S, restore_command="cp %f %p"), put(P, archive_mode="on", archive_command="x")),
    ),
    Case(
        "PG-SYNC-001",
        put(P, synchronous_standby_names="FIRST 1 (gone)"),
        put(P, synchronous_standby_names='"PG-2", gone'),
    ),
    Case(
        "PG-SYNC-002",
        put(P, synchronous_standby_names='"pg-2"'),
        both(put(P, synchronous_standby_names="ANY 1 (*)"), rows("pg-3")),
    ),
    Case(
        "PG-SYNC-003",
        both(put(P, synchronous_standby_names="*"), rows("sub", kind="logical")),
        both(put(P, synchronous_standby_names="*"), rows("pg-3")),
    ),
    Case(
        "PG-SYNC-004",
        put(P, synchronous_standby_names='"pg-2"', synchronous_commit="local"),
        put(P, synchronous_standby_names='"pg-2"', synchronous_commit="remote_write"),
    ),
    Case(
        "PG-SYNC-005",
        both(
            put(P, synchronous_standby_names='"pg-2"', synchronous_commit="remote_apply"),
            put(S, recovery_min_apply_delay="1000"),
        ),
        both(put(P, synchronous_standby_names='"pg-2"'), put(S, recovery_min_apply_delay="1000")),
    ),
    Case(
        "PG-SYNC-006",
        both(put(P, synchronous_standby_names='"pg-2"'), rows("pg-2")),
        both(put(P, synchronous_standby_names="*"), rows("pg-2")),
    ),
    Case("PG-SYNC-007", put(S, synchronous_standby_names='"pg-2"'), put(S, synchronous_standby_names='"pg-1"')),
    Case("PG-PAR-001", put(P, max_connections="60"), put(S, max_connections="60")),
    Case("PG-PAR-002", put(S, wal_level="replica"), put(P, wal_level="replica")),
    Case("PG-PAR-003", older(S), older(P)),
    Case(
        "PG-PAR-004",
        both(sorted_by(P, "2.31", "2.31"), sorted_by(S, "2.31", "2.36")),
        both(sorted_by(P, None, None), sorted_by(S, None, "2.36")),
    ),
    Case(
        "PG-PAR-005",
        both(
            lambda draft: draft.read(P, extensions=(AuditedExtension(name="postgis", version="3", available="3"),)),
            lambda draft: draft.read(S, extensions=(AuditedExtension(name="postgis", version="3"),)),
        ),
        both(
            lambda draft: draft.read(P, extensions=(AuditedExtension(name="old", version="3"),)),
            lambda draft: draft.read(S, extensions=(AuditedExtension(name="old", version="3"),)),
        ),
    ),
    Case(
        "PG-PAR-006",
        put(P, shared_preload_libraries="pgaudit, auto_explain"),
        both(
            put(P, shared_preload_libraries="pgaudit,auto_explain"),
            put(S, shared_preload_libraries="auto_explain, pgaudit"),
        ),
    ),
    Case("PG-PAR-007", put(S, wal_keep_size="512"), put(S, cluster_name="other")),
    Case("PG-PAR-008", put(S, primary_slot_name="gone")),
    Case(
        "PG-PAR-009",
        both(
            put(S, sync_replication_slots="on", max_replication_slots="0"),
            lambda draft: draft.slot(P, **LOGICAL, failover=True),
        ),
        both(put(S, sync_replication_slots="on"), lambda draft: draft.slot(P, **LOGICAL, failover=True)),
    ),
    Case(
        "PG-PAR-010",
        both(put(P, listen_addresses="*"), put(S, listen_addresses="localhost")),
        both(put(P, listen_addresses="localhost"), put(S, listen_addresses="localhost")),
    ),
    Case("PG-PAR-011", both(hba(P, REPLICATES), hba(S)), both(hba(P, REPLICATES), hba(S, REPLICATES))),
]

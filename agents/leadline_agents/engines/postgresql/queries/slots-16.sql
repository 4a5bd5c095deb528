-- Replication slots, on primaries and standbys.
-- Since 16: conflicting, for logical slots on a standby that need rows which the primary removed.
--
-- retained_bytes       WAL kept for the slot; on a standby up to the received position: it forwards WAL before replay.
-- invalidation_reason  Not in the view of this version; the WAL of a lost slot without restart_lsn was removed.
SELECT
    slot.slot_name AS name,
    slot.slot_type AS kind,
    slot.plugin,
    slot.database,
    slot.temporary,
    slot.active,
    slot.active_pid,
    slot.restart_lsn,
    slot.confirmed_flush_lsn AS confirmed_lsn,
    pg_wal_lsn_diff(
        CASE WHEN here.in_recovery
            THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_flush_lsn()
        END,
        slot.restart_lsn
    )::bigint AS retained_bytes,
    CASE WHEN slot.xmin IS NOT NULL THEN greatest(age(slot.xmin), 0) END AS xmin_age,
    CASE WHEN slot.catalog_xmin IS NOT NULL THEN greatest(age(slot.catalog_xmin), 0) END AS catalog_xmin_age,
    slot.wal_status,
    slot.safe_wal_size AS safe_wal_bytes,
    CASE WHEN slot.wal_status = 'lost' AND slot.restart_lsn IS NULL THEN 'wal_removed' END AS invalidation_reason,
    slot.two_phase,
    slot.conflicting,
    stats.spill_txns,
    stats.spill_bytes,
    stats.stream_txns,
    stats.stream_bytes,
    stats.total_txns,
    stats.total_bytes
FROM here
CROSS JOIN pg_replication_slots AS slot
LEFT JOIN pg_stat_replication_slots AS stats ON stats.slot_name = slot.slot_name
ORDER BY slot.slot_name

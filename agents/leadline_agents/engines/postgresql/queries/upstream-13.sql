-- What a standby is told to follow, and what its receiver does; no row on a primary.
-- Since 13: written_lsn and flushed_lsn in pg_stat_wal_receiver; primary_conninfo is a setting that can be reloaded.
--
-- latest_end_lsn  The end of the upstream's log as it last told us: all a standby knows of the primary's position.
-- conninfo        May hold a password. The agent takes host, port and name from it and passes nothing else on. Asking
--                 for it without the right raises an error, hence the guard.
SELECT
    CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('primary_conninfo') END AS conninfo,
    current_setting('cluster_name') AS cluster_name,
    coalesce(receiver.slot_name, nullif(current_setting('primary_slot_name'), '')) AS slot,
    receiver.sender_host,
    receiver.sender_port,
    receiver.status,
    receiver.written_lsn,
    receiver.flushed_lsn,
    receiver.latest_end_lsn,
    receiver.received_tli AS timeline,
    receiver.last_msg_receipt_time AS last_message_at,
    extract(epoch FROM here.now - receiver.last_msg_receipt_time) AS message_age_s
FROM here
LEFT JOIN pg_stat_wal_receiver AS receiver ON true
WHERE here.in_recovery

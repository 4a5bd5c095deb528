-- The upstream that a standby is configured to follow, and the state of its WAL receiver; no row on a primary.
-- Since 13: written_lsn and flushed_lsn in pg_stat_wal_receiver; primary_conninfo is a setting that can be reloaded.
--
-- latest_end_lsn  The end of the upstream's WAL as it last reported it: the only sign of the primary's position here.
-- began_at        The receiver connects once, so its sender begins just after it.
-- clock_ahead_s   Of this server's clock against the sender's, by the times of the last message; rounded, so that it stays.
-- conninfo        May hold a password; the agent sends only host, port and application_name of it. Reading it without
--                 the right raises an error, hence the CASE.
SELECT
    CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('primary_conninfo') END AS conninfo,
    current_setting('cluster_name') AS cluster_name,
    coalesce(receiver.slot_name, nullif(current_setting('primary_slot_name'), '')) AS slot,
    receiver.sender_host,
    receiver.sender_port,
    receiver.pid,
    sessions.backend_start AS began_at,
    round(extract(epoch FROM receiver.last_msg_receipt_time - receiver.last_msg_send_time)::numeric, 1) AS clock_ahead_s,
    receiver.status,
    receiver.written_lsn,
    receiver.flushed_lsn,
    receiver.latest_end_lsn,
    receiver.received_tli AS timeline,
    receiver.last_msg_receipt_time AS last_message_at,
    extract(epoch FROM here.now - receiver.last_msg_receipt_time) AS message_age_s
FROM here
LEFT JOIN pg_stat_wal_receiver AS receiver ON true
LEFT JOIN sessions ON sessions.pid = receiver.pid
WHERE here.in_recovery

-- Connected standbys and subscribers as their WAL senders report them; on standbys too, for cascades.
-- Since 13: pg_stat_replication has had the same columns in every version.
--
-- *_lag_s     NULL on an idle link. The values freeze when the replica stops replying: use them with the reply's age.
-- reply_time  On the replica's clock, so the agent measures a reply's age from the moment at which this value changes.
-- port        -1 over a Unix socket; the receiver's host has the same number for its end, unless a proxy is between.
-- Left out: pg_basebackup and the initial copy of tables, whose lag has no meaning.
SELECT
    sender.application_name AS name,
    coalesce(slot.slot_type, 'physical') AS kind,
    sender.pid,
    sender.state,
    host(sender.client_addr) AS address,
    sender.client_port AS port,
    slot.slot_name AS slot,
    sender.sent_lsn,
    sender.write_lsn,
    sender.flush_lsn,
    sender.replay_lsn,
    extract(epoch FROM sender.write_lag) AS write_lag_s,
    extract(epoch FROM sender.flush_lag) AS flush_lag_s,
    extract(epoch FROM sender.replay_lag) AS replay_lag_s,
    sender.reply_time,
    extract(epoch FROM here.now - sender.backend_start) AS connected_s,
    sender.sync_state,
    sender.sync_priority,
    sessions.wait,
    CASE WHEN sender.backend_xmin IS NOT NULL THEN greatest(age(sender.backend_xmin), 0) END AS xmin_age
FROM here
CROSS JOIN pg_stat_replication AS sender
LEFT JOIN pg_replication_slots AS slot ON slot.active_pid = sender.pid
LEFT JOIN sessions ON sessions.pid = sender.pid
WHERE sender.state IS DISTINCT FROM 'backup' AND (slot.slot_name ~ '_[0-9]+_sync_[0-9]+') IS NOT TRUE
ORDER BY sender.pid

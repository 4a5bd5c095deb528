-- Where the server is in the log.
-- Since 13: pg_is_wal_replay_paused(), which says that a pause was asked for.
--
-- current_lsn   Flushed, not inserted: on an idle primary the last record inserted may stay unflushed for long.
-- received_lsn  As reported. Below replayed_lsn just after streaming starts (it begins at the segment's start); lasting,
--               that is the sign of removed WAL or of a fork. NULL when the server never streamed.
-- redo_lsn      Where the last checkpoint begins, on a standby the last restartpoint. Log before it is removed by that
--               checkpoint unless a slot, wal_keep_size or a failing archiver holds it.
-- startup_wait  What the startup process waits for; NULL while it replays.
-- The CASE guards are needed: each of these functions raises an error in the other role.
SELECT
    CASE WHEN NOT here.in_recovery THEN pg_current_wal_flush_lsn() END AS current_lsn,
    pg_last_wal_receive_lsn() AS received_lsn,
    pg_last_wal_replay_lsn() AS replayed_lsn,
    pg_last_xact_replay_timestamp() AS last_replay_at,
    CASE WHEN here.in_recovery THEN pg_is_wal_replay_paused() END AS replay_paused,
    extract(epoch FROM current_setting('recovery_min_apply_delay')::interval) AS apply_delay_s,
    (SELECT redo_lsn FROM pg_control_checkpoint()) AS redo_lsn,
    (SELECT wait FROM sessions WHERE backend_type = 'startup') AS startup_wait
FROM here

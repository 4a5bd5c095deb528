-- The WAL positions of the server.
-- Since 13: pg_is_wal_replay_paused(), which is true as soon as a pause was requested.
--
-- current_lsn   Flushed, not inserted: on an idle primary the last inserted record may stay unflushed for long.
-- received_lsn  As reported. It is below replayed_lsn just after streaming starts, at the start of a segment; when that
--               lasts, it is a sign of removed WAL or of a fork. NULL when the server never streamed.
-- redo_lsn      The redo position of the last checkpoint, on a standby of the last restartpoint. WAL before it is
--               removed by that checkpoint unless a slot, wal_keep_size or a failing archiver keeps it.
-- startup_wait  Wait event of the startup process; NULL while it replays.
-- The CASE expressions are needed: each of these functions raises an error in the other role.
SELECT
    CASE WHEN NOT here.in_recovery THEN pg_current_wal_flush_lsn() END AS current_lsn,
    pg_last_wal_receive_lsn() AS received_lsn,
    pg_last_wal_replay_lsn() AS replayed_lsn,
    pg_last_xact_replay_timestamp() AS last_replay_at,
    CASE WHEN here.in_recovery THEN pg_is_wal_replay_paused() END AS replay_paused,
    extract(epoch FROM current_setting('recovery_min_apply_delay')::interval) AS apply_delay_s,
    (SELECT redo_lsn FROM control) AS redo_lsn,
    (SELECT wait FROM sessions WHERE backend_type = 'startup') AS startup_wait
FROM here

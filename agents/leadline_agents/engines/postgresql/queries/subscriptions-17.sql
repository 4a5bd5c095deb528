-- Subscriptions of all databases, their apply workers and counters; no row on a standby, where no worker runs.
-- Since 17: failover.
--
-- tables   pg_subscription_rel is per database: only subscriptions of the connected database have tables and unsynced.
-- leader   The row without a table and leader_pid; the others are parallel workers and initial copies of tables.
-- *_errors Attempts, not conflicts: the worker retries one conflict again and again.
SELECT
    subscription.subname AS name,
    subscription.oid::bigint AS oid,
    database.datname AS database,
    subscription.subenabled AS enabled,
    subscription.subslotname AS slot,
    subscription.subpublications AS publications,
    subscription.subdisableonerr AS disable_on_error,
    subscription.subtwophasestate AS two_phase,
    nullif(subscription.subskiplsn, '0/0') AS skip_lsn,
    subscription.suborigin AS origin,
    subscription.subfailover AS failover,
    leader.pid,
    (SELECT count(pid) FROM pg_stat_subscription AS worker WHERE subid = subscription.oid) AS workers,
    leader.received_lsn,
    leader.latest_end_lsn,
    extract(epoch FROM here.now - leader.last_msg_receipt_time) AS message_age_s,
    sessions.backend_start AS began_at,
    round(extract(epoch FROM leader.last_msg_receipt_time - leader.last_msg_send_time)::numeric, 1) AS clock_ahead_s,
    sessions.wait,
    extract(epoch FROM here.now - sessions.xact_start) AS transaction_s,
    (
        SELECT json_agg(DISTINCT blocker)
        FROM pg_stat_subscription AS worker
        JOIN sessions AS waiter ON waiter.pid = worker.pid AND waiter.wait_event_type = 'Lock'
        CROSS JOIN LATERAL unnest(pg_blocking_pids(waiter.pid)) AS blocker
        WHERE worker.subid = subscription.oid
    ) AS blocked_by,
    stats.apply_error_count AS apply_errors,
    stats.sync_error_count AS sync_errors,
    (
        SELECT json_object_agg(state, number) FROM (
            SELECT srsubstate AS state, count(*) AS number
            FROM pg_subscription_rel AS subscribed WHERE srsubid = subscription.oid GROUP BY srsubstate
        ) AS counted
    ) AS tables,
    (
        SELECT json_agg(name) FROM (
            SELECT srrelid::regclass::text AS name
            FROM pg_subscription_rel AS subscribed WHERE srsubid = subscription.oid AND srsubstate <> 'r' ORDER BY srrelid LIMIT 5
        ) AS unready
    ) AS unsynced
FROM here
CROSS JOIN pg_subscription AS subscription
JOIN pg_database AS database ON database.oid = subscription.subdbid
LEFT JOIN pg_stat_subscription AS leader ON leader.subid = subscription.oid AND leader.relid IS NULL
    AND leader.leader_pid IS NULL
LEFT JOIN sessions ON sessions.pid = leader.pid
LEFT JOIN pg_stat_subscription_stats AS stats ON stats.subid = subscription.oid
WHERE NOT here.in_recovery
ORDER BY database.datname, subscription.subname

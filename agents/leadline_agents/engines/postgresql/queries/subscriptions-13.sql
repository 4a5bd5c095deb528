-- Subscriptions of all databases, their apply workers and counters; no row on a standby, where no worker runs.
-- Since 13: the columns of pg_subscription that every role may read. Its oid is not among them, so workers are found by
-- the subscription's name and, as names are unique per database only, by the database of their session.
--
-- tables   pg_subscription_rel is per database: only subscriptions of the connected database have tables and unsynced.
-- leader   The worker without a table; the others are initial copies of tables.
SELECT
    subscription.subname AS name,
    database.datname AS database,
    subscription.subenabled AS enabled,
    subscription.subslotname AS slot,
    subscription.subpublications AS publications,
    leader.pid,
    workers.number AS workers,
    leader.received_lsn,
    leader.latest_end_lsn,
    extract(epoch FROM here.now - leader.last_msg_receipt_time) AS message_age_s,
    leader.backend_start AS began_at,
    round(extract(epoch FROM leader.last_msg_receipt_time - leader.last_msg_send_time)::numeric, 1) AS clock_ahead_s,
    leader.wait,
    extract(epoch FROM here.now - leader.xact_start) AS transaction_s,
    workers.blocked_by,
    (
        SELECT json_object_agg(state, number) FROM (
            SELECT srsubstate AS state, count(*) AS number
            FROM pg_subscription_rel AS subscribed WHERE srsubid = ids.here GROUP BY srsubstate
        ) AS counted
    ) AS tables,
    (
        SELECT json_agg(name) FROM (
            SELECT srrelid::regclass::text AS name
            FROM pg_subscription_rel AS subscribed WHERE srsubid = ids.here AND srsubstate <> 'r' ORDER BY srrelid LIMIT 5
        ) AS unready
    ) AS unsynced
FROM here
CROSS JOIN pg_subscription AS subscription
JOIN pg_database AS database ON database.oid = subscription.subdbid
LEFT JOIN LATERAL (
    SELECT worker.*, sessions.backend_start, sessions.wait, sessions.xact_start
    FROM pg_stat_subscription AS worker
    JOIN sessions ON sessions.pid = worker.pid AND sessions.datname = database.datname
    WHERE worker.subname = subscription.subname AND worker.relid IS NULL
) AS leader ON true
CROSS JOIN LATERAL (
    SELECT
        count(*) AS number,
        json_agg(blocker) FILTER (WHERE blocker IS NOT NULL) AS blocked_by
    FROM pg_stat_subscription AS worker
    JOIN sessions ON sessions.pid = worker.pid AND sessions.datname = database.datname
    LEFT JOIN LATERAL unnest(
        CASE WHEN sessions.wait_event_type = 'Lock' THEN pg_blocking_pids(sessions.pid) END
    ) AS blocker ON true
    WHERE worker.subname = subscription.subname
) AS workers
LEFT JOIN LATERAL (
    SELECT worker.subid AS here
    FROM pg_stat_subscription AS worker
    WHERE worker.subname = subscription.subname AND database.datname = current_database()
        AND worker.subid IN (SELECT srsubid FROM pg_subscription_rel AS subscribed)
    LIMIT 1
) AS ids ON true
WHERE NOT here.in_recovery
ORDER BY database.datname, subscription.subname

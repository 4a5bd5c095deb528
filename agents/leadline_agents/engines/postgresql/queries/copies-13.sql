-- Initial copies of tables whose worker runs, of all databases; no row on a standby, where no worker runs.
-- Since 13: pg_stat_subscription. catalog.py replaces the name in braces with what a version adds.
--
-- state    pg_subscription_rel is per database: only a copy in the connected database has its state and its name.
SELECT
    worker.subname AS subscription,
    worker.subid::bigint AS subscription_oid,
    worker.relid::bigint AS oid,
    CASE WHEN sessions.datname = current_database() THEN worker.relid::regclass::text END AS table,
    worker.pid,
    relation.srsubstate AS state,
    sessions.wait,
    extract(epoch FROM here.now - sessions.xact_start) AS transaction_s,
    ({copied}) AS copied_bytes,
    CASE WHEN sessions.wait_event_type = 'Lock' THEN (
        SELECT json_agg(DISTINCT blocker) FROM unnest(pg_blocking_pids(worker.pid)) AS blocker
    ) END AS blocked_by
FROM here
CROSS JOIN pg_stat_subscription AS worker
LEFT JOIN sessions ON sessions.pid = worker.pid
LEFT JOIN pg_subscription_rel AS relation ON relation.srsubid = worker.subid AND relation.srrelid = worker.relid
WHERE worker.relid IS NOT NULL AND worker.pid IS NOT NULL AND NOT here.in_recovery
ORDER BY worker.subid, worker.relid
LIMIT 20

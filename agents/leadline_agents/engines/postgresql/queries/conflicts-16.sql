-- Queries cancelled by replay, per database and kind; no row on a primary, where nothing replays.
-- Since 16: confl_active_logicalslot. The invalidation of a logical slot that is not in use is not counted.
--
-- The server does not count a deadlock that the query itself detects, nor a session in a dropped database.
-- Zeros are sent: only a change from a known value is a conflict. Counters are set to zero when statistics are reset.
SELECT
    conflict.datname AS database,
    json_build_object(
        'tablespace', conflict.confl_tablespace,
        'lock', conflict.confl_lock,
        'snapshot', conflict.confl_snapshot,
        'bufferpin', conflict.confl_bufferpin,
        'deadlock', conflict.confl_deadlock,
        'active_logicalslot', conflict.confl_active_logicalslot
    ) AS kinds
FROM here
CROSS JOIN pg_stat_database_conflicts AS conflict
JOIN pg_database AS database ON database.oid = conflict.datid AND database.datallowconn
WHERE here.in_recovery
ORDER BY conflict.datname

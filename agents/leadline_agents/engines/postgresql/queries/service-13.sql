-- Marks of a service that only pg_settings shows; asked for each connection of a role that may read it.
-- Since 13: pg_settings.source.
--
-- patroni  Patroni starts the server with a fixed set of settings on its command line.
SELECT json_build_object(
    'alloydb', count(*) FILTER (WHERE name LIKE 'alloydb.%') > 0,
    'patroni', count(*) FILTER (
        WHERE source = 'command line'
            AND name IN ('cluster_name', 'max_locks_per_transaction', 'track_commit_timestamp', 'wal_log_hints')
    ) = 4
)::text
FROM pg_settings AS listed

-- WAL archiving; no row where this server does not archive.
-- Since 13: pg_stat_archiver has had the same columns in every version.
SELECT
    archiver.archived_count AS archived,
    archiver.failed_count AS failed,
    archiver.last_archived_wal,
    extract(epoch FROM here.now - archiver.last_archived_time) AS last_archived_s,
    archiver.last_failed_wal,
    extract(epoch FROM here.now - archiver.last_failed_time) AS last_failed_s
FROM here
CROSS JOIN pg_stat_archiver AS archiver
WHERE current_setting('archive_mode') = 'always' OR (current_setting('archive_mode') = 'on' AND NOT here.in_recovery)

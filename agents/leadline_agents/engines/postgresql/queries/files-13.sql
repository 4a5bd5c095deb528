-- The WAL directory and the segments waiting to be archived; read once a minute.
-- Since 13: pg_ls_waldir() and pg_ls_archive_statusdir(), granted to pg_monitor. Both look at every file, so their cost
-- grows with the WAL that is kept.
SELECT json_strip_nulls(json_build_object(
    'wal_files', wal.files,
    'wal_bytes', wal.bytes,
    'ready', CASE WHEN current_setting('archive_mode') <> 'off' THEN
        (SELECT count(*) FROM pg_ls_archive_statusdir() AS file WHERE name LIKE '%.ready')
    END,
    'data_directory', CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END
))::text
FROM (SELECT count(*) AS files, coalesce(sum(size), 0) AS bytes FROM pg_ls_waldir() AS file) AS wal

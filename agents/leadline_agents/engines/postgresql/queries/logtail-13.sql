-- The last 32 kB of the server log, as bytes: a server log may hold any encoding, and the first character may be cut.
-- Since 13: pg_read_binary_file() must have been granted; a missing file, as between two files, is no error.
SELECT json_strip_nulls(json_build_object(
    'path', file.path,
    'data_directory', current_setting('data_directory'),
    'prefix', current_setting('log_line_prefix'),
    'now', clock_timestamp(),
    'here_now', clock_timestamp() AT TIME ZONE current_setting('log_timezone'),
    'tail', encode(pg_read_binary_file(file.path, greatest(0, file.size - 32768), 32768, true), 'base64')
))::text
FROM ({logfile}) AS file

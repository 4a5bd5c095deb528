-- The last 32 kB of the server log, as bytes, by the function of deploy/sql/server_log.sql.
-- Since 13: the function must have been created; without it this is not sent.
SELECT json_strip_nulls(json_build_object(
    'path', file.path,
    'data_directory', current_setting('data_directory'),
    'prefix', current_setting('log_line_prefix'),
    'now', clock_timestamp(),
    'here_now', clock_timestamp() AT TIME ZONE current_setting('log_timezone'),
    'tail', encode(leadline.server_log(file.name, 32768), 'base64')
))::text
FROM ({logfile}) AS file

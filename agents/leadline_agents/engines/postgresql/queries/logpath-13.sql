-- Where the server log is, for a role that may not read it.
-- Since 13: the settings are those of the logging collector.
--
-- here_now  The present time in the zone of the server log, whose lines name that zone by an ambiguous abbreviation.
SELECT json_strip_nulls(json_build_object(
    'path', file.path,
    'data_directory', current_setting('data_directory'),
    'prefix', current_setting('log_line_prefix'),
    'now', clock_timestamp(),
    'here_now', clock_timestamp() AT TIME ZONE current_setting('log_timezone')
))::text
FROM ({logfile}) AS file

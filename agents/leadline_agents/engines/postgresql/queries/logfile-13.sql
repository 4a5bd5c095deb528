-- The newest file of the server log, of the form that is the easiest to read among those of log_destination.
-- Since 13: pg_ls_logdir(), granted to pg_monitor, which may not call pg_current_logfile() before 16.
SELECT current_setting('log_directory') || '/' || name AS path, name, size
FROM pg_ls_logdir()
WHERE CASE
    WHEN current_setting('log_destination') ~ 'csvlog' THEN name ~ '\.csv$'
    WHEN current_setting('log_destination') ~ 'jsonlog' THEN name ~ '\.json$'
    ELSE name !~ '\.(csv|json)$'
END
ORDER BY modification DESC
LIMIT 1

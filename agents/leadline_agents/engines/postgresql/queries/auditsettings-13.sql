-- Every setting with the file that sets it; read by an audit.
-- Since 13: pg_settings.sourcefile and pending_restart.
--
-- Settings of extensions are left out: their values may be secrets that no rule could mask. sourcefile is shown to
-- pg_read_all_settings. Settings that only this role may see by that right are missing without it.
SELECT json_build_object('at', clock_timestamp(), 'settings', (
    SELECT json_object_agg(name, json_strip_nulls(json_build_object(
        'value', coalesce(setting, ''), 'unit', unit, 'source', source, 'file', sourcefile, 'line', sourceline,
        'pending_restart', nullif(pending_restart, false), 'restart', nullif(context = 'postmaster', false)
    )))
    FROM pg_settings AS listed
    WHERE strpos(name, '.') = 0
))::text

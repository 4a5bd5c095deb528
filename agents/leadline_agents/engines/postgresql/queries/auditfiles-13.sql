-- Lines of the configuration files that the server does not accept; read by an audit where the role may.
-- Since 13: pg_file_settings.
--
-- pg_monitor may not read it: GRANT SELECT ON pg_file_settings, and EXECUTE on the function behind it. An entry that only
-- waits for a restart has the same error as one that is refused, so pending_restart decides. Values may be secrets.
SELECT coalesce(json_agg(coalesce(sourcefile, '') || ':' || coalesce(sourceline, 0) || ': '
    || coalesce(name || ': ', '') || error ORDER BY sourcefile, sourceline), '[]')::text
FROM pg_file_settings AS entry
WHERE error IS NOT NULL AND NOT EXISTS (
    SELECT FROM pg_settings AS listed WHERE lower(listed.name) = lower(entry.name) AND pending_restart
)

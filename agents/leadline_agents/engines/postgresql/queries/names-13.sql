-- The names that a server has for itself, the better first; asked once, where nobody has named it.
-- Since 13: primary_conninfo is a setting.
--
-- conninfo  May hold a password; only application_name of it is used. Reading it without the right raises an error,
--           hence the CASE.
SELECT json_build_object(
    'cluster_name', current_setting('cluster_name'),
    'conninfo', CASE WHEN pg_is_in_recovery() AND pg_has_role('pg_read_all_settings', 'USAGE')
        THEN current_setting('primary_conninfo')
    END
)::text

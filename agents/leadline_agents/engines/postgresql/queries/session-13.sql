-- What this server has, what it allows to the agent's role, and which service runs it; asked for each connection.
-- Since 13: to_regprocedure(), has_any_column_privilege(). It asks catalogs only, so nothing in it can be refused.
--
-- mark       The setting that the agent sent with the startup packet. Behind a pooler the session does not have it.
-- inherits   False where a plain GRANT of pg_monitor would change nothing: the role has NOINHERIT, or is a member that
--            does not inherit.
-- denied     Functions and views that exist and that the role may not use.
-- missing    Those that do not exist.
-- rds_extensions, cnpg, neon, roles  Marks of a service: a setting, or a role that only the service creates. A setting
--            that was removed from the configuration is empty until the server restarts.
SELECT json_build_object(
    'mark', current_setting('leadline.session', true),
    'role', current_user,
    'version_num', current_setting('server_version_num')::int,
    'version', current_setting('server_version'),
    'in_recovery', pg_is_in_recovery(),
    'may_read_stats', pg_has_role('pg_read_all_stats', 'USAGE'),
    'may_read_settings', pg_has_role('pg_read_all_settings', 'USAGE'),
    'may_monitor', pg_has_role('pg_monitor', 'USAGE'),
    'inherits', pg_has_role('pg_monitor', 'USAGE') OR (NOT pg_has_role('pg_monitor', 'MEMBER')
        AND (SELECT rolinherit FROM pg_roles WHERE rolname = current_user)),
    'denied', (
        SELECT coalesce(json_agg(each.name), '[]') FROM (
            SELECT name FROM unnest(string_to_array('{functions}', ' ')) AS name
            WHERE NOT has_function_privilege(to_regprocedure(name), 'EXECUTE')
            UNION ALL
            SELECT name FROM unnest(string_to_array('{relations}', ' ')) AS name
            WHERE NOT has_any_column_privilege(to_regclass(name), 'SELECT')
        ) AS each
    ),
    'missing', (
        SELECT coalesce(json_agg(each.name), '[]') FROM (
            SELECT name FROM unnest(string_to_array('{functions}', ' ')) AS name WHERE to_regprocedure(name) IS NULL
            UNION ALL
            SELECT name FROM unnest(string_to_array('{relations}', ' ')) AS name WHERE to_regclass(name) IS NULL
        ) AS each
    ),
    'rds_extensions', nullif(current_setting('rds.extensions', true), ''),
    'cnpg', nullif(current_setting('cnpg.config_sha256', true), '') IS NOT NULL,
    'neon', nullif(current_setting('neon.timeline_id', true), '') IS NOT NULL,
    'roles', (
        SELECT coalesce(json_agg(rolname), '[]') FROM pg_roles
        WHERE rolname IN ('rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser', 'azure_pg_admin', 'neon_superuser',
            'supabase_admin')
    )
)::text

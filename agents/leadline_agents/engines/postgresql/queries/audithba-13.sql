-- The lines of pg_hba.conf as the server reads them; read by an audit where the role may.
-- Since 13: pg_hba_file_rules.
--
-- pg_monitor may not read it: GRANT SELECT ON pg_hba_file_rules, and EXECUTE on the function behind it. Of the options,
-- which may be secrets, only those about certificates are read.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'line', line_number, 'kind', coalesce(type, ''), 'databases', coalesce(database, '{}'),
    'users', coalesce(user_name, '{}'), 'address', address, 'method', coalesce(auth_method, ''), 'error', error,
    'options', array(SELECT option FROM unnest(options) AS option WHERE option ~ '^clientcert=')
)) ORDER BY line_number), '[]')::text
FROM pg_hba_file_rules AS rule

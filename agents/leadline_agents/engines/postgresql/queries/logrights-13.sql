-- The ways in which the role may read the server log. No function is called: the right to call is checked before any CASE.
-- Since 13: the names of the functions, and the schema privileges of a missing schema as NULL.
--
-- may_find     Without the logging collector there is no directory of server logs, and listing it is an error.
-- by_function  deploy/sql/server_log.sql has a function that reads the end of one file of the server log and nothing else.
SELECT json_build_object(
    'may_find', current_setting('logging_collector') = 'on'
        AND has_function_privilege('pg_ls_logdir()', 'EXECUTE') AND pg_has_role('pg_read_all_settings', 'USAGE'),
    'may_read', has_function_privilege('pg_read_binary_file(text, bigint, bigint, boolean)', 'EXECUTE'),
    'by_function', coalesce(
        has_schema_privilege(to_regnamespace('leadline'), 'USAGE')
        AND has_function_privilege(to_regprocedure('leadline.server_log(text, integer)'), 'EXECUTE'), false)
)::text

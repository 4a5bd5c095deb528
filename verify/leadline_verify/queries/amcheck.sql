-- One row with one JSON object for each function of amcheck that only takes AccessShareLock: CheckFunction. Those that
-- also compare parents with children need ShareLock, which a standby does not grant.
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', p.proname,
    'arguments', p.pronargs,
    'signature', p.oid::regprocedure::text,
    'version', x.extversion,
    'may_run', has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
)
FROM pg_extension x
JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid AND d.classid = 'pg_proc'::regclass
JOIN pg_proc p ON p.oid = d.objid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE x.extname = 'amcheck' AND p.proname IN ('bt_index_check', 'gin_index_check', 'verify_heapam')
ORDER BY p.proname, p.pronargs DESC

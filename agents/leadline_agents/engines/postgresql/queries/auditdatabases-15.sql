-- Databases and the library that sorts their text; read by an audit.
-- Since 15: datlocprovider, datcollversion, pg_database_collation_actual_version().
--
-- The recorded version is replicated to standbys as everything in the catalog is; the actual one is of this server.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'name', datname, 'collate', datcollate, 'provider', datlocprovider, 'recorded', datcollversion,
    'actual', pg_database_collation_actual_version(listed.oid)
)) ORDER BY datname), '[]')::text
FROM (
    SELECT oid, datname, datcollate, datlocprovider, datcollversion
    FROM pg_database WHERE datallowconn ORDER BY datname LIMIT 200
) AS listed

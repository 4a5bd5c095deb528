-- Databases and the library that sorts their text; read by an audit.
-- Since 13: pg_collation_actual_version() has the version of libc.
--
-- Before 15 a database has no recorded version, so the version of the library is that of a collation of the same name;
-- NULL for C and POSIX, which no library sorts.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'name', datname, 'collate', datcollate, 'actual', (
        SELECT pg_collation_actual_version(collation_of.oid)
        FROM pg_collation AS collation_of
        WHERE collcollate = datcollate AND collprovider = 'c'
        ORDER BY collation_of.oid LIMIT 1
    )
)) ORDER BY datname), '[]')::text
FROM (SELECT datname, datcollate FROM pg_database WHERE datallowconn ORDER BY datname LIMIT 200) AS listed

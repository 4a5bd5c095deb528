-- Extensions of the database, and the version that the files on this server would install; read by an audit.
-- Since 13: pg_available_extensions, which lists the control files of this server.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'name', extname, 'version', extversion, 'available', file.default_version
)) ORDER BY extname), '[]')::text
FROM pg_extension AS extension
LEFT JOIN pg_available_extensions AS file ON file.name = extension.extname

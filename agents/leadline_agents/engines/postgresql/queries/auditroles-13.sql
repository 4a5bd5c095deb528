-- Roles that may replicate or do everything, and those of the connected senders; read by an audit.
-- Since 13: pg_roles, which every role may read.
--
-- Roles of managed services replicate by membership, without the attribute: airbytehq/airbyte#22371.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'name', rolname, 'superuser', rolsuper, 'replication', rolreplication, 'login', rolcanlogin, 'expires_s',
    CASE WHEN isfinite(rolvaliduntil) THEN extract(epoch FROM rolvaliduntil - now()) END
)) ORDER BY rolname), '[]')::text
FROM (
    SELECT rolname, rolsuper, rolreplication, rolcanlogin, rolvaliduntil
    FROM pg_roles
    WHERE rolsuper OR rolreplication OR oid IN (SELECT usesysid FROM pg_stat_replication AS sender)
    ORDER BY rolname LIMIT 200
) AS role

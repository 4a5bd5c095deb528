-- Unlogged tables of the database, which no standby has rows of; read by an audit.
-- Since 13: pg_class.relpersistence.
SELECT coalesce(json_agg(name ORDER BY name), '[]')::text
FROM (
    SELECT oid::regclass::text AS name FROM pg_class
    WHERE relkind IN ('r', 'm') AND relpersistence = 'u' AND oid >= 16384
    ORDER BY oid::regclass::text LIMIT 20
) AS listed

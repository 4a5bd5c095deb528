-- Databases about which the server shows something that is wrong, at most 20; read every 15 s.
-- Since 13: pg_stat_database.checksum_failures, pg_db_role_setting.
--
-- checksum_failures    NULL where the server has no checksums. datid 0 are the tables that all databases share.
-- collation_recorded   The version of the library that sorts text; see sorted-15.sql.
-- read_only            ALTER DATABASE SET default_transaction_read_only. What a role alone has is its own matter.
SELECT json_build_object('databases', coalesce(json_agg(json_strip_nulls(json_build_object(
    'name', name, 'checksum_failures', failures, 'checksum_failed_s', failed_s, 'read_only', read_only,
    'collation_recorded', CASE WHEN differs THEN recorded END, 'collation_actual', CASE WHEN differs THEN actual END
)) ORDER BY name), '[]'))::text
FROM (
    SELECT * FROM (
        SELECT
            coalesce(database.datname, '') AS name, coalesce(counted.checksum_failures, 0) AS failures,
            CASE WHEN counted.checksum_last_failure IS NOT NULL
                THEN greatest(extract(epoch FROM clock_timestamp() - counted.checksum_last_failure), 0) END AS failed_s,
            sorted.recorded, sorted.actual, coalesce(sorted.recorded <> sorted.actual, false) AS differs,
            EXISTS (
                SELECT FROM pg_db_role_setting AS own
                CROSS JOIN LATERAL unnest(own.setconfig) AS line
                WHERE own.setdatabase = database.oid AND own.setrole = 0
                    AND starts_with(line, 'default_transaction_read_only=') AND split_part(line, '=', 2)::bool
            ) AS read_only
        FROM pg_stat_database AS counted
        LEFT JOIN pg_database AS database ON database.oid = counted.datid
        LEFT JOIN LATERAL ({sorted}) AS sorted ON true
        WHERE counted.datid = 0 OR database.datallowconn
    ) AS each
    WHERE failures > 0 OR read_only OR differs
    ORDER BY failures DESC, name LIMIT 20
) AS listed

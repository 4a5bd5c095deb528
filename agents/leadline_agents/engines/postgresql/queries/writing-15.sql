-- Tables of subscriptions that a worker may not write, for tables-13.sql.
-- Since 15: the rights of the subscription's owner are checked, and row security must not apply to it.
SELECT subscribed.srrelid AS relid, quote_ident(writer.rolname) AS role, NULL::text AS owner, lacks.denied
FROM pg_subscription_rel AS subscribed
JOIN pg_subscription AS own ON own.oid = subscribed.srsubid
JOIN pg_class AS class ON class.oid = subscribed.srrelid
JOIN pg_roles AS writer ON writer.oid = own.subowner
CROSS JOIN LATERAL (
        SELECT json_agg(each.name) AS denied
        FROM (
            SELECT 'row security' AS name
            WHERE class.relrowsecurity AND NOT writer.rolsuper AND NOT writer.rolbypassrls
                AND (class.relforcerowsecurity OR NOT pg_has_role(writer.oid, class.relowner, 'USAGE'))
            UNION ALL
            SELECT name FROM unnest('{SELECT, INSERT, UPDATE, DELETE, TRUNCATE}'::text[]) AS name
            WHERE NOT has_table_privilege(writer.oid, class.oid, name)
        ) AS each
) AS lacks
WHERE lacks.denied IS NOT NULL

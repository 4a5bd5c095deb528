-- Tables of subscriptions that a worker may not write, for tables-13.sql.
-- Since 16: without run_as_owner the worker acts as the owner of the table, which the subscription's owner must be
-- allowed to (member_can_set_role).
--
-- role    Who lacks the right: the subscription's owner where it may not act as the table's, else the one who writes.
-- denied  TRUNCATE only where no other right is missing: the subscription's owner always does that itself.
SELECT subscribed.srrelid AS relid,
    quote_ident(CASE WHEN may.act AND lacks.denied IS NOT NULL THEN writer.rolname ELSE owner.rolname END) AS role,
    CASE WHEN NOT may.act THEN quote_ident(writer.rolname) END AS owner,
    CASE
        WHEN may.act THEN coalesce(lacks.denied, '["TRUNCATE"]')
        WHEN writer.rolsuper THEN '["SET ROLE", "superuser"]'
        ELSE '["SET ROLE"]'
    END AS denied
FROM pg_subscription_rel AS subscribed
JOIN pg_subscription AS own ON own.oid = subscribed.srsubid
JOIN pg_class AS class ON class.oid = subscribed.srrelid
JOIN pg_roles AS owner ON owner.oid = own.subowner
JOIN pg_roles AS writer ON writer.oid = CASE WHEN own.subrunasowner THEN own.subowner ELSE class.relowner END
CROSS JOIN LATERAL (SELECT pg_has_role(own.subowner, writer.oid, 'SET') AS act) AS may
CROSS JOIN LATERAL (
        SELECT json_agg(each.name) AS denied
        FROM (
            SELECT 'row security' AS name
            WHERE class.relrowsecurity AND NOT writer.rolsuper AND NOT writer.rolbypassrls
                AND (class.relforcerowsecurity OR NOT pg_has_role(writer.oid, class.relowner, 'USAGE'))
            UNION ALL
            SELECT name FROM unnest('{SELECT, INSERT, UPDATE, DELETE}'::text[]) AS name
            WHERE NOT has_table_privilege(writer.oid, class.oid, name)
        ) AS each
) AS lacks
WHERE NOT may.act OR lacks.denied IS NOT NULL OR NOT has_table_privilege(owner.oid, class.oid, 'TRUNCATE')

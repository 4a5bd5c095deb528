-- Tables of each subscription of this database, whatever the state of their copies; none of a subscription of over 1000.
-- Since 13: pg_subscription_rel.
SELECT json_build_object('subscribes', coalesce((
    SELECT json_object_agg(subname, tables) FROM (
        SELECT subscription.subname, coalesce(
            json_agg(quote_ident(space.nspname) || '.' || quote_ident(class.relname))
                FILTER (WHERE class.oid IS NOT NULL),
            '[]'
        ) AS tables
        FROM pg_subscription AS subscription
        JOIN pg_database AS database ON database.oid = subdbid AND database.datname = current_database()
        LEFT JOIN pg_subscription_rel AS subscribed ON srsubid = subscription.oid
        LEFT JOIN pg_class AS class ON class.oid = srrelid
        LEFT JOIN pg_namespace AS space ON space.oid = class.relnamespace
        GROUP BY subscription.subname
        HAVING count(*) <= 1000
    ) AS lists
), '{}'))::text

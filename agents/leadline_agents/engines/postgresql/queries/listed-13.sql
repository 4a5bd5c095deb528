-- Tables of each subscription of this database, whatever the state of their copies; none of a subscription of over 1000.
-- Since 13: pg_subscription_rel.
--
-- slow_tables  Those with triggers that fire for replicated rows, and large ones without an index by which the worker
--              finds a row: a replica identity, and since 16 any whole btree index (IsIndexUsableForReplicaIdentityFull).
SELECT json_build_object('subscribes', coalesce((
    SELECT json_object_agg(subname, tables) FROM (
        SELECT subscription.subname, coalesce(
            json_agg(quote_ident(space.nspname) || '.' || quote_ident(class.relname))
                FILTER (WHERE class.oid IS NOT NULL),
            '[]'
        ) AS tables
        FROM pg_subscription AS subscription
        JOIN pg_database AS database ON database.oid = subdbid AND database.datname = current_database()
        LEFT JOIN ({subscribed}) AS subscribed ON subscribed.subname = subscription.subname
        LEFT JOIN pg_class AS class ON class.oid = subscribed.srrelid
        LEFT JOIN pg_namespace AS space ON space.oid = class.relnamespace
        GROUP BY subscription.subname
        HAVING count(*) <= 1000
    ) AS lists
), '{}'), 'slow_tables', coalesce((
    SELECT json_agg(slow) FROM (
        SELECT
            quote_ident(counted.schemaname) || '.' || quote_ident(counted.relname) AS name,
            greatest(counted.n_live_tup, class.reltuples::bigint, 0) AS rows,
            found.scanned,
            coalesce(counted.seq_tup_read, 0) AS rows_read,
            found.triggers
        FROM pg_stat_user_tables AS counted
        JOIN pg_class AS class ON class.oid = counted.relid
        CROSS JOIN LATERAL (
            SELECT
                NOT EXISTS (
                    SELECT FROM pg_index AS index
                    JOIN pg_class AS own ON own.oid = index.indexrelid
                    JOIN pg_am AS method ON method.oid = own.relam
                    WHERE index.indrelid = class.oid AND index.indisvalid AND (
                        index.indisprimary OR index.indisreplident OR (
                            current_setting('server_version_num')::int >= 160000 AND method.amname = 'btree'
                            AND index.indpred IS NULL AND index.indkey[0] <> 0
                        )
                    )
                ) AS scanned,
                coalesce((
                    SELECT json_agg(tgname ORDER BY tgname)
                    FROM pg_trigger AS fired
                    WHERE fired.tgrelid = class.oid AND NOT fired.tgisinternal AND fired.tgenabled IN ('A', 'R')
                ), '[]') AS triggers
        ) AS found
        WHERE counted.relid IN (SELECT srrelid FROM pg_subscription_rel AS subscribed)
            AND (found.triggers::text <> '[]' OR (found.scanned AND counted.n_live_tup >= 1000))
        ORDER BY counted.seq_tup_read DESC NULLS LAST, counted.relid
        LIMIT 20
    ) AS slow
), '[]'))::text

-- Tables whose changes are sent or taken in this database, and their columns; read when a logical worker is in trouble.
-- Since 13: catalogs that everybody may read.
--
-- listed     On a subscriber every table, those of subscriptions first: one that is sent may be there and not be taken.
-- required   Columns that a row cannot do without, unless it is sent a value for them.
-- upto       The answer is bounded: 1000 tables are described, and those are told that have 2000 columns together.
-- generated  Never sent before 18; from 18 on when the publication says so, and then they are among those sent.
WITH listed AS (
    SELECT published.pubname AS publication, class.oid, published.sent, 0 AS turn
    FROM ({published}) AS published
    JOIN pg_namespace AS space ON space.nspname = published.schemaname
    JOIN pg_class AS class ON class.relnamespace = space.oid AND class.relname = published.tablename
    UNION ALL
    SELECT NULL, class.oid, NULL,
        CASE WHEN EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = class.oid) THEN 1 ELSE 2 END
    FROM pg_class AS class
    WHERE class.relkind IN ('r', 'p') AND class.relpersistence <> 't' AND class.oid >= 16384
        AND NOT pg_is_in_recovery()
        AND EXISTS (
            SELECT FROM pg_subscription
            JOIN pg_database AS database ON database.oid = subdbid AND database.datname = current_database()
        )
),
placed AS (
    SELECT publication, oid, oid::regclass::text AS name, sent,
        row_number() OVER (ORDER BY turn, oid::regclass::text, publication) AS place
    FROM listed
),
described AS (
    SELECT publication, name, columns, required, sum(number) OVER (ORDER BY place) AS upto
    FROM placed
    CROSS JOIN LATERAL (
        SELECT count(*) AS number, json_object_agg(attname, format_type(atttypid, atttypmod)) AS columns,
            json_agg(attname ORDER BY attnum)
                FILTER (WHERE publication IS NULL AND attnotnull AND NOT atthasdef AND attidentity = '') AS required
        FROM pg_attribute
        WHERE attrelid = placed.oid AND attnum > 0 AND NOT attisdropped AND (sent IS NULL OR attname = ANY (sent))
            AND (attgenerated = '' OR (sent IS NOT NULL AND current_setting('server_version_num')::int >= 180000))
    ) AS described
    WHERE place <= 1000
),
told AS (
    SELECT publication, json_build_object('name', name, 'columns', columns, 'required', required) AS one
    FROM described WHERE upto <= 2000
)
SELECT json_strip_nulls(json_build_object(
    'published', (
        SELECT json_object_agg(publication, tables) FROM (
            SELECT publication, json_agg(one) AS tables FROM told WHERE publication IS NOT NULL GROUP BY publication
        ) AS publications
    ),
    'present', (SELECT json_agg(one) FROM told WHERE publication IS NULL),
    'left_out', (SELECT count(*) FROM listed) - (SELECT count(*) FROM told)
))::text

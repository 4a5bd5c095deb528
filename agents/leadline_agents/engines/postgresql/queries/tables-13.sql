-- Published and subscribed tables of this database with their columns; read while a logical worker is missing.
-- Since 13: system catalogs that every role may read.
--
-- listed     On a subscriber every table, those of subscriptions first: a published table may exist without being
--            subscribed.
-- required   Columns without a default that refuse NULL: a row needs a value for each of them.
-- keyless    On a subscriber without a key by which rows are found; on a publisher that sends whole rows for that.
-- labels     The labels of an enum follow its name as JSON, up to 100: mood ["sad", "ok"].
-- upto       The answer is bounded: at most 1000 tables, with at most 2000 columns together.
-- denied     On a subscriber what the worker lacks to write the table, and which role lacks it.
-- generated  Generated columns are not sent before 18; since 18 they are sent if the publication includes them. Nothing
--            can be written to those of a subscriber.
WITH listed AS (
    SELECT published.pubname AS publication, class.oid, published.sent, 0 AS turn
    FROM ({published}) AS published
    JOIN pg_namespace AS space ON space.nspname = published.schemaname
    JOIN pg_class AS class ON class.relnamespace = space.oid AND class.relname = published.tablename
    UNION ALL
    SELECT NULL, class.oid, NULL,
        CASE WHEN EXISTS (SELECT FROM pg_subscription_rel AS subscribed WHERE srrelid = class.oid) THEN 1 ELSE 2 END
    FROM pg_class AS class
    WHERE class.relkind IN ('r', 'p') AND class.relpersistence <> 't' AND class.oid >= 16384
        AND NOT pg_is_in_recovery()
        AND EXISTS (
            SELECT FROM pg_subscription AS subscription
            JOIN pg_database AS database ON database.oid = subdbid AND database.datname = current_database()
        )
),
placed AS (
    SELECT publication, oid, oid::regclass::text AS name, sent,
        row_number() OVER (ORDER BY turn, oid::regclass::text, publication) AS place
    FROM listed
),
described AS (
    SELECT publication, name, columns, required, generated, keyless, role, owner, denied, sum(number) OVER (ORDER BY place) AS upto
    FROM placed
    CROSS JOIN LATERAL (
        SELECT count(*) AS number,
            json_object_agg(attname, format_type(atttypid, atttypmod) || labels) FILTER (WHERE written) AS columns,
            json_agg(attname ORDER BY attnum) FILTER (
                WHERE publication IS NULL AND attnotnull AND NOT atthasdef AND attidentity = '' AND written
            ) AS required,
            json_agg(attname ORDER BY attnum) FILTER (WHERE publication IS NULL AND NOT written) AS generated
        FROM pg_attribute
        CROSS JOIN LATERAL (
            SELECT attgenerated = '' OR (sent IS NOT NULL AND current_setting('server_version_num')::int >= 180000)
        ) AS column_of (written)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN count(*) BETWEEN 1 AND 100
                THEN ' ' || json_agg(enumlabel ORDER BY enumsortorder) ELSE '' END
            FROM pg_enum WHERE enumtypid = atttypid
        ) AS type_of (labels)
        WHERE attrelid = placed.oid AND attnum > 0 AND NOT attisdropped AND (sent IS NULL OR attname = ANY (sent))
    ) AS described
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN publication IS NOT NULL THEN relreplident = 'f'
            ELSE NOT EXISTS (
                SELECT FROM pg_index
                WHERE indrelid = class.oid AND (indisprimary OR indisreplident) AND indimmediate AND indisvalid
            )
        END
        FROM pg_class AS class WHERE class.oid = placed.oid
    ) AS identity (keyless)
    LEFT JOIN LATERAL (
        SELECT role, owner, denied FROM ({writing}) AS writing
        WHERE publication IS NULL AND relid = placed.oid LIMIT 1
    ) AS rights ON true
    WHERE place <= 1000
),
sent_tables AS (
    SELECT publication, json_build_object(
        'name', name, 'columns', columns, 'required', required, 'generated', generated,
        'keyless', nullif(keyless, false), 'role', role, 'owner', owner, 'denied', denied
    ) AS one
    FROM described WHERE upto <= 2000
)
SELECT json_strip_nulls(json_build_object(
    'published', (
        SELECT json_object_agg(publication, tables) FROM (
            SELECT publication, json_agg(one) AS tables
            FROM sent_tables WHERE publication IS NOT NULL GROUP BY publication
        ) AS publications
    ),
    'present', (SELECT json_agg(one) FROM sent_tables WHERE publication IS NULL),
    'left_out', (SELECT count(*) FROM listed) - (SELECT count(*) FROM sent_tables)
))::text

-- One row with one JSON object for each table, partitioned table and materialized view of the database: CatalogTable.
-- Not those of the system, nor temporary, unlogged and foreign ones.
WITH RECURSIVE made_of (oid, root) AS (
    SELECT oid, typbasetype FROM pg_type WHERE typtype = 'd'
    UNION ALL
    SELECT m.oid, t.typbasetype FROM made_of m JOIN pg_type t ON t.oid = m.root AND t.typtype = 'd'
), roots AS (
    SELECT m.oid, m.root FROM made_of m JOIN pg_type t ON t.oid = m.root AND t.typtype <> 'd'
), libc AS (
    -- The version of the C library is the same for all of its collations.
    SELECT pg_collation_actual_version(oid) AS version FROM pg_collation
    WHERE collprovider = 'c' AND collcollate NOT IN ('C', 'POSIX', '') LIMIT 1
), icu AS (
    SELECT pg_collation_actual_version(oid) AS version FROM pg_collation WHERE collprovider = 'i' LIMIT 1
), own AS (
    SELECT coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider,
        coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', d.datcollate) AS locale,
        d.datcollate
    FROM pg_database d WHERE d.datname = current_database()
), collations AS (
    SELECT c.oid,
        CASE WHEN c.collprovider = 'd' THEN own.provider ELSE c.collprovider::text END AS provider,
        CASE WHEN c.collprovider = 'd' THEN CASE own.provider WHEN 'c' THEN own.datcollate ELSE own.locale END
            ELSE coalesce(c.collcollate, to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', '') END AS locale
    FROM pg_collation c, own
)
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'identity', c.relreplident,
    'estimate', CASE
        WHEN c.relkind = 'p' THEN (
            SELECT CASE WHEN count(*) FILTER (WHERE l.reltuples < 0) = 0 THEN sum(l.reltuples)::bigint END
            FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)
        WHEN c.reltuples < 0 OR c.relpages = 0 AND c.reltuples = 0 THEN NULL
        ELSE c.reltuples::bigint END,
    'pages', c.relpages,
    'readable', has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
    'row_security', c.relrowsecurity,
    'has_children', EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid),
    'columns', (
        SELECT coalesce(json_agg(json_build_object(
            'name', a.attname,
            'type_name', format_type(a.atttypid, a.atttypmod),
            'base_type', CASE WHEN b.typtype = 'b' AND b.typnamespace = 'pg_catalog'::regnamespace THEN b.typname ELSE '' END,
            'category', b.typcategory,
            'is_domain', t.typtype = 'd',
            'not_null', a.attnotnull,
            'generated', a.attgenerated,
            'identity', a.attidentity,
            'collation', coalesce(
                l.provider || ':' || l.locale || ':' || CASE l.provider
                    WHEN 'c' THEN coalesce((SELECT version FROM libc), '')
                    WHEN 'i' THEN coalesce((SELECT version FROM icu), '')
                    ELSE '' END, ''),
            'plain_order', l.oid IS NULL OR l.provider = 'b' OR l.locale IN ('C', 'POSIX')
            ) ORDER BY a.attnum), '[]')
        FROM pg_attribute a
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN roots r ON r.oid = t.oid
        JOIN pg_type b ON b.oid = coalesce(r.root, t.oid)
        LEFT JOIN collations l ON l.oid = a.attcollation
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'keys', (
        SELECT coalesce(json_agg(json_build_object(
            'columns', k.names, 'is_primary', k.indisprimary, 'is_identity', k.indisreplident)), '[]')
        FROM (
            SELECT i.indisprimary, i.indisreplident, json_agg(a.attname ORDER BY p.position) AS names
            FROM pg_index i
            JOIN pg_class x ON x.oid = i.indexrelid
            JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
            CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indcollation::oid[])
                WITH ORDINALITY AS p (attnum, collation_oid, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indisready AND i.indimmediate
                AND i.indpred IS NULL AND i.indexprs IS NULL AND p.position <= i.indnkeyatts
            GROUP BY i.indexrelid, i.indisprimary, i.indisreplident
            HAVING bool_and(a.attnotnull AND a.attcollation = p.collation_oid)
                -- A constraint that is not valid lets NULLs be, which no range of keys would meet.
                AND NOT EXISTS (
                    SELECT 1 FROM pg_constraint o
                    WHERE o.conrelid = c.oid AND o.contype = 'n' AND NOT o.convalidated)
            ORDER BY i.indisreplident DESC, i.indisprimary DESC, count(*), i.indexrelid
        ) k),
    'leading_columns', (
        SELECT coalesce(json_agg(DISTINCT a.attname), '[]')
        FROM pg_index i
        JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = (i.indkey::int2[])[0]
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL)
)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence = 'p'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY n.nspname, c.relname

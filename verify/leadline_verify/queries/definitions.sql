-- One row with one JSON object for each table and partitioned table of the database: TableDefinition. What plan and
-- digest do not need: defaults, constraints, and triggers that fire while changes are applied.
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', c.relname,
    'defaults', (
        SELECT coalesce(json_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND (a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '')),
    'uniques', (
        SELECT coalesce(json_agg(k.names ORDER BY k.names), '[]') FROM (
            SELECT (SELECT string_agg(pg_get_indexdef(i.indexrelid, p::int, true), ', ' ORDER BY p)
                    FROM generate_series(1, i.indnkeyatts) p)
                || coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid, true), '') AS names
            FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
        ) k),
    'checks', (
        SELECT coalesce(json_agg(pg_get_constraintdef(o.oid, true) ORDER BY o.conname), '[]')
        FROM pg_constraint o WHERE o.conrelid = c.oid AND o.contype IN ('c', 'x')),
    'triggers', (
        SELECT coalesce(json_agg(t.tgname ORDER BY t.tgname), '[]')
        FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY n.nspname, c.relname

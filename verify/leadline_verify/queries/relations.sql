-- One row with one JSON object for each relation whose pages amcheck can look at: CheckedRelation. Not those that a
-- standby has no pages of, and no index that is in the making.
SELECT json_build_object(
    'oid', c.oid::bigint,
    'schema_name', n.nspname,
    'name', c.relname,
    'kind', CASE WHEN c.relkind = 'i' THEN m.amname ELSE 'heap' END,
    'table_schema', tn.nspname,
    'table_name', t.relname,
    'blocks', c.relpages,
    'rows', greatest(c.reltuples, 0)::bigint
)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am m ON m.oid = c.relam
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class toast ON toast.oid = coalesce(i.indrelid, c.oid) AND toast.relkind = 't'
LEFT JOIN pg_class o ON o.reltoastrelid = toast.oid
JOIN pg_class t ON t.oid = coalesce(o.oid, i.indrelid, c.oid)
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE c.relpersistence = 'p' AND n.nspname !~ '^pg_temp'
    AND (c.relkind = 'i' AND m.amname IN ('btree', 'gin') AND i.indisvalid AND i.indisready AND i.indislive
        OR c.relkind IN ('r', 'm') AND m.amname = 'heap')
ORDER BY tn.nspname, t.relname, c.relkind DESC, c.relname

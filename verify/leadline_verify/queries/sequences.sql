-- One row with one JSON object for each sequence of the database: SequenceState. The columns that use it own it, or
-- have it in their default. Its value is read only where the role may.
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', c.relname,
    'increment', s.seqincrement,
    'cycles', s.seqcycle,
    'readable', has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT'),
    'value', CASE WHEN has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')
        THEN pg_sequence_last_value(c.oid) END,
    'used_by', (
        SELECT coalesce(json_agg(DISTINCT u.place), '[]') FROM (
            SELECT json_build_object('schema_name', tn.nspname, 'table_name', t.relname, 'column_name', a.attname)::jsonb
                AS place
            FROM pg_depend d
            LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
            JOIN pg_attribute a ON a.attrelid = CASE WHEN f.oid IS NULL THEN d.refobjid ELSE f.adrelid END
                AND a.attnum = CASE WHEN f.oid IS NULL THEN d.refobjsubid ELSE f.adnum END
            JOIN pg_class t ON t.oid = a.attrelid
            JOIN pg_namespace tn ON tn.oid = t.relnamespace
            WHERE (d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                    AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))
                OR (d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
        ) u)
)
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence = 'p'
ORDER BY n.nspname, c.relname

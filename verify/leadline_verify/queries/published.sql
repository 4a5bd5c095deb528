-- One row with one JSON object for each table and publication: PublicationEntry. The parameter: names of publications.
SELECT json_build_object(
    'schema_name', t.schemaname,
    'name', t.tablename,
    'columns', to_jsonb(t) -> 'attnames',
    'row_filter', to_jsonb(t) ->> 'rowfilter',
    'actions', array_remove(ARRAY[
        CASE WHEN p.pubinsert THEN 'insert' END,
        CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END,
        CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)
)
FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
WHERE t.pubname = ANY (%s)
ORDER BY t.schemaname, t.tablename, t.pubname

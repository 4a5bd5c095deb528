-- The tables that a publication lists, for refused-13.sql, of the row "publication" there.
-- Since 15: row filters, column lists and schemas of publications.
SELECT listed.prrelid AS relation, listed.prqual::text AS filter, (
    SELECT array_agg(attname::text) FROM pg_attribute
    WHERE attrelid = listed.prrelid AND attnum = ANY (listed.prattrs)
) AS columns
FROM pg_publication_rel AS listed
WHERE listed.prpubid = publication.oid
UNION ALL
SELECT class.oid, NULL, NULL
FROM pg_publication_namespace AS space
JOIN pg_class AS class
    ON class.relnamespace = space.pnnspid AND class.relkind IN ('r', 'p') AND class.relpersistence = 'p'
WHERE space.pnpubid = publication.oid

-- The tables that a publication lists, for refused-13.sql, of the row "publication" there.
-- Since 13: pg_publication_rel.
SELECT prrelid AS relation, NULL::text AS filter, NULL::text[] AS columns
FROM pg_publication_rel
WHERE prpubid = publication.oid

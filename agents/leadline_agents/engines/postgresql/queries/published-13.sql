-- Published tables, once for each publication.
-- Since 13: pg_publication_tables. Every column is sent; publications have no column lists before 15.
SELECT pubname, schemaname, tablename, NULL::name[] AS sent FROM pg_publication_tables

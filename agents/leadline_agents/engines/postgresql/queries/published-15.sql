-- Published tables, once for each publication, with the columns that are sent.
-- Since 15: attnames.
SELECT pubname, schemaname, tablename, attnames AS sent FROM pg_publication_tables

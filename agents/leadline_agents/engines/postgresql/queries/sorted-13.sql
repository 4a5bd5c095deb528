-- The version of the library that sorts the text of a database, as recorded and as it is, for databases-13.sql.
-- Since 13: a database has no recorded version before 15.
SELECT NULL::text AS recorded, NULL::text AS actual

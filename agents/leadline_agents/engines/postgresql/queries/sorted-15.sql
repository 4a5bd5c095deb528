-- The version of the library that sorts the text of the row "database" of databases-13.sql, as recorded and as it is.
-- Since 15: datcollversion, pg_database_collation_actual_version(). The recorded version comes to a standby with all of
-- the catalog; the actual one is of this server. NULL for C and POSIX, which no library sorts.
SELECT database.datcollversion AS recorded, pg_database_collation_actual_version(database.oid) AS actual
WHERE database.datcollversion IS NOT NULL

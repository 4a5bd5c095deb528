-- Generated columns that a publication does not send, for refused-13.sql.
-- Since 13: they do not count; the server does not check them before 18.
SELECT NULL::text[]

-- Tables of subscriptions that a worker may not write, for tables-13.sql.
-- Since 13: none; a worker has the rights of a superuser (of the subscription's owner, which are not checked).
SELECT NULL::oid AS relid, NULL::text AS role, NULL::text AS owner, NULL::json AS denied WHERE false

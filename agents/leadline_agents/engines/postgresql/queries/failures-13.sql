-- The failures of subscriptions, for vitals-13.sql.
-- Since 13: they are not counted before 15.
SELECT NULL::bigint AS oid, NULL::bigint AS apply_errors, NULL::bigint AS sync_errors, NULL::bigint AS conflicts WHERE false

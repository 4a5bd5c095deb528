-- One row with one JSON object for each table of a subscription: SubscribedTable. The parameter: its name.
-- Version 13 shows the oid of a subscription in the view only. Those of other databases have no table here.
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', c.relname,
    'state', r.srsubstate,
    'subscriptions', (SELECT count(*) FROM pg_subscription_rel o WHERE o.srrelid = r.srrelid)
)
FROM pg_subscription_rel r
JOIN pg_class c ON c.oid = r.srrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.srsubid IN (SELECT w.subid FROM pg_stat_subscription w WHERE w.subname = %s)
ORDER BY n.nspname, c.relname

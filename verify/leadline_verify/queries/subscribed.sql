-- One row with one JSON object for each table of a subscription: SubscribedTable. The parameter: its name.
SELECT json_build_object(
    'schema_name', n.nspname,
    'name', c.relname,
    'state', r.srsubstate,
    'subscriptions', (SELECT count(*) FROM pg_subscription_rel o WHERE o.srrelid = r.srrelid)
)
FROM pg_subscription_rel r
JOIN pg_subscription s ON s.oid = r.srsubid
JOIN pg_class c ON c.oid = r.srrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.subname = %s AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY n.nspname, c.relname

-- The failures of subscriptions, for vitals-13.sql.
-- Since 15: pg_stat_get_subscription_stats().
SELECT subscription.oid::bigint AS oid, apply_error_count AS apply_errors, sync_error_count AS sync_errors, 0 AS conflicts
FROM pg_subscription AS subscription
CROSS JOIN LATERAL pg_stat_get_subscription_stats(subscription.oid) AS stats

-- The failures of subscriptions, for vitals-13.sql.
-- Since 18: conflicts, here the sum of those that subscriptions-18.sql reads.
SELECT subscription.oid::bigint AS oid, apply_error_count AS apply_errors, sync_error_count AS sync_errors,
    confl_insert_exists + confl_update_origin_differs + confl_update_exists + confl_update_missing
        + confl_delete_origin_differs + confl_delete_missing + confl_multiple_unique_conflicts AS conflicts
FROM pg_subscription AS subscription
CROSS JOIN LATERAL pg_stat_get_subscription_stats(subscription.oid) AS stats

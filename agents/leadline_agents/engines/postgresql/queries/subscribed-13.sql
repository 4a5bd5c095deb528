-- The tables of subscriptions with their names.
-- Since 13: pg_stat_subscription.subid, as pg_subscription.oid may not be read before 14.
SELECT DISTINCT worker.subname, relation.srrelid
FROM pg_subscription_rel AS relation
JOIN pg_stat_subscription AS worker ON worker.subid = relation.srsubid

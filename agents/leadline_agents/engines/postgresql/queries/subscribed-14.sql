-- The tables of subscriptions with their names.
-- Since 14: pg_subscription.oid may be read.
SELECT subscription.subname, relation.srrelid
FROM pg_subscription_rel AS relation
JOIN pg_subscription AS subscription ON subscription.oid = relation.srsubid

-- Replication origins, and whether a subscription has them; read by an audit.
-- Since 13: pg_stat_subscription.subid, which shows the identity of every subscription to every role.
--
-- A subscription's origin is named after its oid, that of an initial copy after both oids.
SELECT coalesce(json_agg(json_build_object(
    'name', roname, 'used', roname !~ '^pg_[0-9]+(_[0-9]+)?$' OR EXISTS (
        SELECT FROM pg_stat_subscription AS subscription
        WHERE split_part(roname, '_', 2) = subscription.subid::text
    )
) ORDER BY roname), '[]')::text
FROM pg_replication_origin AS origin

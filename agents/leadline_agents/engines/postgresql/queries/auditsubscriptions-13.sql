-- Options of subscriptions that samples do not have; read by an audit.
-- Since 13: none of them exist; parallel workers apply large transactions since 16.
SELECT coalesce(json_agg(json_build_object('name', subname) ORDER BY subname), '[]')::text
FROM pg_subscription AS subscription

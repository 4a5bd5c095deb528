-- Options of subscriptions that samples do not have; read by an audit.
-- Since 16: substream has the value p, for parallel.
SELECT coalesce(json_agg(json_build_object('name', subname, 'parallel', substream = 'p') ORDER BY subname), '[]')::text
FROM pg_subscription AS subscription

-- WAL senders with their login and whether the connection is encrypted; read by an audit.
-- Since 13: pg_stat_replication and pg_stat_ssl.
--
-- Left out: pg_basebackup and the initial copy of tables.
SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'pid', sender.pid, 'name', sender.application_name, 'user', sender.usename, 'superuser', role.rolsuper,
    'address', host(sender.client_addr), 'encrypted', encryption.ssl
)) ORDER BY sender.pid), '[]')::text
FROM pg_stat_replication AS sender
LEFT JOIN pg_roles AS role ON role.oid = sender.usesysid
LEFT JOIN pg_stat_ssl AS encryption ON encryption.pid = sender.pid
LEFT JOIN pg_replication_slots AS slot ON slot.active_pid = sender.pid
WHERE sender.state IS DISTINCT FROM 'backup' AND (slot.slot_name ~ '_[0-9]+_sync_[0-9]+') IS NOT TRUE

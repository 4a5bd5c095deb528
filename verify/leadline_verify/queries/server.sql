-- One row with one JSON object: ServerFacts.
SELECT json_build_object(
    'version_num', current_setting('server_version_num')::int,
    'in_recovery', pg_is_in_recovery(),
    'database', current_database(),
    'encoding', getdatabaseencoding(),
    'role', current_user,
    'large_objects', (SELECT count(*) FROM pg_largeobject_metadata),
    'apply_delay', current_setting('recovery_min_apply_delay'),
    'publications', (SELECT coalesce(json_agg(pubname ORDER BY pubname), '[]') FROM pg_publication),
    'slots', (
        SELECT coalesce(json_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots
        WHERE database = current_database()
    ),
    'subscriptions', (
        SELECT coalesce(json_agg(json_build_object(
            'name', s.subname,
            'enabled', s.subenabled,
            'publications', s.subpublications,
            'slot', s.subslotname,
            'running', EXISTS (
                SELECT 1 FROM pg_stat_subscription w
                WHERE w.subname = s.subname AND w.relid IS NULL AND w.pid IS NOT NULL
            )) ORDER BY s.subname), '[]')
        FROM pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
)

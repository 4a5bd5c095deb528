-- What a server with subscriptions has besides, for vitals-13.sql.
-- Since 13: pg_stat_get_subscription(). catalog.py replaces the name in braces with what a version counts.
--
-- tables  Those of the connected database, by state.
SELECT
    (
        SELECT json_agg(json_build_array(
            pid, relid IS NULL, received_lsn, latest_end_lsn,
            extract(epoch FROM clock_timestamp() - last_msg_receipt_time),
            round(extract(epoch FROM last_msg_receipt_time - last_msg_send_time)::numeric, 1)
        ))
        FROM pg_stat_get_subscription(NULL) AS worker
        WHERE pid IS NOT NULL
    ) AS workers,
    (SELECT json_agg(json_build_array(oid, apply_errors, sync_errors, conflicts)) FROM ({failures}) AS failed) AS failures,
    (
        SELECT json_object_agg(state, number) FROM (
            SELECT srsubstate AS state, count(*) AS number FROM pg_subscription_rel AS subscribed GROUP BY srsubstate
        ) AS counted
    ) AS tables

-- The numbers of a look, and what shows whether anything else has changed since the last one; see vitals.py.
-- Since 13: the functions below. Where a view has more columns in some version, its function returns them all.
--
-- It reads functions and not their views, which join catalogs, once each and without a join: a third of the cost of a
-- look. What a view adds, such as the names of roles, changes only with the process or the slot of its row.
--
-- sessions     In the order of Sessions in vitals.py. ages in transactions; old: open for more than a second, as the
--              transactions that the look lists; locked: processes of the server that wait for a lock; wanted: see look.
-- conflicts    The sum of all kinds, in all databases.
-- subscribed   A subscription that is created or disabled moves it.
-- Groups that belong to one role are not read in the other one. Rows come in any order, and groups may be null: to leave
-- out nulls, and to sort, is a fourteenth of the cost.
SELECT json_build_object(
    'at', clock_timestamp(),
    'in_recovery', pg_is_in_recovery(),
    'settings_loaded_at', pg_conf_load_time(),
    'current_lsn', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn() END,
    'received_lsn', pg_last_wal_receive_lsn(),
    'replayed_lsn', pg_last_wal_replay_lsn(),
    'last_replay_at', pg_last_xact_replay_timestamp(),
    'replay_paused', CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
    'redo_lsn', (SELECT redo_lsn FROM pg_control_checkpoint() AS checkpoint),
    'senders', (
        SELECT json_agg(json_build_array(
            pid, state, sync_state, sync_priority, sent_lsn, write_lsn, flush_lsn, replay_lsn,
            extract(epoch FROM write_lag), extract(epoch FROM flush_lag), extract(epoch FROM replay_lag), reply_time
        ))
        FROM pg_stat_get_wal_senders() AS sender
    ),
    'receiver', CASE WHEN pg_is_in_recovery() THEN (
        SELECT json_build_array(
            pid, status, received_tli, written_lsn, flushed_lsn, latest_end_lsn, last_msg_receipt_time,
            round(extract(epoch FROM last_msg_receipt_time - last_msg_send_time)::numeric, 1)
        )
        FROM pg_stat_get_wal_receiver() AS receiver
    ) END,
    'slots', (
        SELECT json_agg(json_build_array(
            slot,
            CASE WHEN slot.xmin IS NOT NULL THEN greatest(age(slot.xmin), 0) END,
            CASE WHEN slot.catalog_xmin IS NOT NULL THEN greatest(age(slot.catalog_xmin), 0) END,
            ({decoded})
        ))
        FROM pg_get_replication_slots() AS slot
    ),
    'sessions', (
        SELECT json_build_array(
            count(*) FILTER (WHERE backend_type = 'client backend'),
            count(*) FILTER (WHERE backend_type = 'client backend' AND xact_start < clock_timestamp() - interval '1 second'),
            count(*) FILTER (WHERE backend_type <> 'client backend' AND wait_event_type = 'Lock'),
            count(*) FILTER (WHERE wait_event = 'SyncRep'),
            count(*) FILTER (
                WHERE state = 'active' AND backend_type = 'client backend'
                    AND query ~* '^\s*(alter|drop|create)\s+database\M'
                    AND strpos(lower(query), lower(current_database())) > 0
            ),
            max(wait_event_type || '/' || wait_event) FILTER (WHERE backend_type = 'startup'),
            json_agg(json_build_array(
                pid,
                wait_event_type || '/' || wait_event,
                CASE WHEN backend_xmin IS NOT NULL THEN greatest(age(backend_xmin), 0) END,
                extract(epoch FROM clock_timestamp() - xact_start)
            )) FILTER (WHERE backend_type = 'walsender' OR backend_type LIKE 'logical replication %worker')
        )
        FROM pg_stat_get_activity(NULL) AS session
        WHERE pid <> pg_backend_pid()
    ),
    'prepared', (SELECT count(*) FROM pg_prepared_xact() AS prepared),
    'archiver', CASE WHEN current_setting('archive_mode') <> 'off' THEN (
        SELECT json_build_array(
            archived_count,
            failed_count,
            extract(epoch FROM clock_timestamp() - last_archived_time),
            extract(epoch FROM clock_timestamp() - last_failed_time)
        )
        FROM pg_stat_get_archiver() AS archiver
    ) END,
    'publications', (SELECT json_agg(pubname) FROM pg_publication AS publication),
    'conflicts', CASE WHEN pg_is_in_recovery() THEN (
        SELECT sum(pg_stat_get_db_conflict_all(oid)) FROM pg_database AS database WHERE datallowconn
    ) END,
    'subscribed', CASE WHEN NOT pg_is_in_recovery() THEN (
        SELECT json_agg(json_build_array(subname, subenabled, subslotname, subpublications))
        FROM pg_subscription AS subscription
    ) END,
    'subscriber', (SELECT row_to_json(one) FROM ({subscriber}) AS one)
)::text

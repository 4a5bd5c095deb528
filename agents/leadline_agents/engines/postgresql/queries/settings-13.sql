-- Settings that decide how replication behaves, fails or recovers; read at the start, after a reload and periodically.
-- Since 13: a name that a version does not have matches nothing, so one list serves all versions.
--
-- Computing the view costs more than all other queries together. Settings that only superusers may see are missing
-- without an error, so node.may_read_settings shows whether the role has pg_read_all_settings; without it sourcefile is
-- NULL. Settings that the
-- agent's own session changes, such as statement_timeout, are not in the list: it would read its own values.
SELECT json_build_object(
    'at', clock_timestamp(),
    'settings', (
        SELECT json_object_agg(name, json_strip_nulls(json_build_object(
            'value', coalesce(setting, ''), 'unit', unit, 'source', source, 'file', sourcefile, 'line', sourceline,
            'pending_restart', pending_restart
        )))
        FROM pg_settings AS listed
        WHERE name = ANY ('{
            archive_cleanup_command, archive_command, archive_library, archive_mode, archive_timeout, autovacuum,
            block_size, checkpoint_timeout, cluster_name, data_checksums, deadlock_timeout, fsync, full_page_writes,
            hot_standby, hot_standby_feedback, idle_in_transaction_session_timeout, idle_replication_slot_timeout,
            lc_collate, lc_ctype, listen_addresses, log_recovery_conflict_waits, logical_decoding_work_mem,
            max_active_replication_origins, max_connections, max_locks_per_transaction,
            max_logical_replication_workers, max_parallel_apply_workers_per_subscription, max_prepared_transactions,
            max_replication_slots, max_slot_wal_keep_size, max_standby_archive_delay, max_standby_streaming_delay,
            max_sync_workers_per_subscription, max_wal_senders, max_wal_size, max_worker_processes, min_wal_size,
            old_snapshot_threshold, output_plugin_libraries, port, primary_conninfo, primary_slot_name,
            promote_trigger_file, recovery_end_command, recovery_min_apply_delay, recovery_prefetch, recovery_target,
            recovery_target_action, recovery_target_inclusive, recovery_target_lsn, recovery_target_name,
            recovery_target_time, recovery_target_timeline, recovery_target_xid, restore_command, server_encoding,
            server_version, server_version_num, shared_preload_libraries, ssl, summarize_wal, sync_replication_slots,
            synchronized_standby_slots, synchronous_commit, synchronous_standby_names, tcp_keepalives_count,
            tcp_keepalives_idle, tcp_keepalives_interval, tcp_user_timeout, track_commit_timestamp,
            transaction_timeout, vacuum_defer_cleanup_age, wal_buffers, wal_compression, wal_keep_size, wal_level,
            wal_log_hints, wal_receiver_create_temp_slot, wal_receiver_status_interval, wal_receiver_timeout,
            wal_recycle, wal_retrieve_retry_interval, wal_segment_size, wal_sender_timeout
        }')
    )
)::text

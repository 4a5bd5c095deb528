"""The settings that rules of an audit read. An agent sends these, and those that wait for a restart."""

from typing import Final

AUDITED_SETTINGS: Final = (
    *("archive_command", "archive_library", "archive_mode", "autovacuum", "checkpoint_timeout", "cluster_name"),
    *("data_checksums", "data_sync_retry", "default_transaction_isolation", "effective_cache_size", "fsync"),
    *("full_page_writes", "hot_standby_feedback", "idle_replication_slot_timeout", "ignore_checksum_failure"),
    *("ignore_invalid_pages", "ignore_system_indexes", "listen_addresses", "log_timezone", "maintenance_work_mem"),
    *("max_active_replication_origins", "max_connections", "max_locks_per_transaction"),
    *("max_logical_replication_workers", "max_prepared_transactions", "max_replication_slots"),
    *("max_slot_wal_keep_size", "max_standby_archive_delay", "max_standby_streaming_delay", "max_wal_senders"),
    *("max_wal_size", "max_worker_processes", "output_plugin_libraries", "password_encryption", "primary_conninfo"),
    *("primary_slot_name", "recovery_min_apply_delay", "recovery_target", "recovery_target_action"),
    *("recovery_target_lsn", "recovery_target_name", "recovery_target_time", "recovery_target_timeline"),
    *("recovery_target_xid", "restore_command", "server_version_num", "shared_buffers", "shared_preload_libraries"),
    *("ssl", "ssl_min_protocol_version", "summarize_wal", "sync_replication_slots", "synchronized_standby_slots"),
    *("synchronous_commit", "synchronous_standby_names", "track_commit_timestamp", "vacuum_defer_cleanup_age"),
    *("wal_compression", "wal_keep_size", "wal_level", "wal_log_hints", "wal_receiver_create_temp_slot"),
    *("wal_receiver_status_interval", "wal_receiver_timeout", "wal_sender_timeout", "zero_damaged_pages"),
)
"""In the order of their names. A test holds it equal to what the rules read."""

-- The identity of the server, and the rights of the agent's role.
-- Since 13: pg_control_system(), pg_control_checkpoint(), pg_control_recovery(); they need no grant.
--
-- timeline  On a primary from the name of the current WAL segment, which is right from the moment of promotion; the
--           control file still has the old one then. On a standby the newest of three, each of which lags in some case.
-- may_*     USAGE, not MEMBER: the server checks inherited privileges, and a NOINHERIT member reads only NULLs.
SELECT
    here.now AS at,
    here.in_recovery,
    current_setting('server_version_num')::int AS version_num,
    current_setting('server_version') AS version,
    system.system_identifier::text AS system_id,
    CASE WHEN here.in_recovery
        THEN greatest(control.timeline_id, (SELECT min_recovery_end_timeline FROM pg_control_recovery() AS recovery),
            (SELECT received_tli FROM pg_stat_wal_receiver AS receiver))
        ELSE coalesce(('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int, control.timeline_id)
    END AS timeline,
    pg_postmaster_start_time() AS started_at,
    pg_conf_load_time() AS settings_loaded_at,
    host(inet_server_addr()) AS address,
    current_setting('port')::int AS port,
    quote_ident(current_user) AS login,
    pg_has_role('pg_read_all_stats', 'USAGE') AS may_read_stats,
    pg_has_role('pg_read_all_settings', 'USAGE') AS may_read_settings,
    has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS may_list_wal
FROM here, control, pg_control_system() AS system

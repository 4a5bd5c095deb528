-- Sessions and transactions that explain why replication waits.
-- Since 13: pg_locks and pg_prepared_xacts; pg_stat_activity is read by the frame, as sessions.
--
-- blockers  The sessions that hold the lock that replay or an apply worker waits for. When replay waits for old
--           snapshots or a pinned page, the sessions with the oldest snapshots: the server does not show which one.
--           pg_blocking_pids() does not cover the startup process, so the locks are compared here. Reading pg_locks
--           blocks the lock manager for a moment; CASE reads it only while such a process waits.
-- oldest    Transactions open for more than a second: those that wrote come first, then the oldest. So the writer that
--           makes slots keep WAL is among them, however many reports run. A transaction that wrote holds vacuum back
--           by its own id, also while it has no snapshot: idle in transaction at READ COMMITTED. VACUUM itself
--           holds nothing back.
-- waiting_senders  Senders that wait for a lock, and sessions that wait while they create a slot: for the end of the
--           transactions that ran when they began, among them prepared ones, for which pg_blocking_pids() gives 0.
--           The session's own locks are compared only while one waits.
-- sync      Commits that wait for a synchronous standby; their statement_timeout does not end the wait.
SELECT
    CASE
        WHEN EXISTS (
            SELECT FROM sessions
            WHERE wait_event_type = 'Lock'
                AND (backend_type = 'startup' OR backend_type LIKE 'logical replication %worker')
        ) THEN (
            SELECT json_agg(blocker) FROM (
                SELECT DISTINCT ON (holder.pid)
                    holder.pid,
                    holder.usename AS user,
                    holder.application_name AS application,
                    holder.datname AS database,
                    holder.client,
                    holder.state,
                    extract(epoch FROM here.now - holder.xact_start) AS age_s,
                    CASE WHEN holder.backend_xmin IS NOT NULL THEN greatest(age(holder.backend_xmin), 0) END AS xmin_age,
                    holder.wait,
                    held.mode || ' on ' || CASE
                        WHEN held.locktype <> 'relation' THEN held.locktype
                        WHEN held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                            THEN held.relation::regclass::text
                        ELSE 'relation ' || held.relation
                    END AS holds,
                    holder.query
                FROM sessions AS waiter
                JOIN pg_locks AS wanted ON wanted.pid = waiter.pid AND NOT wanted.granted
                JOIN pg_locks AS held ON held.granted AND held.pid <> wanted.pid
                    AND (held.locktype, held.database, held.relation, held.page, held.tuple, held.virtualxid,
                        held.transactionid, held.classid, held.objid, held.objsubid)
                    IS NOT DISTINCT FROM (wanted.locktype, wanted.database, wanted.relation, wanted.page, wanted.tuple,
                        wanted.virtualxid, wanted.transactionid, wanted.classid, wanted.objid, wanted.objsubid)
                JOIN sessions AS holder ON holder.pid = held.pid
                WHERE waiter.backend_type = 'startup' OR waiter.backend_type LIKE 'logical replication %worker'
                ORDER BY holder.pid
                LIMIT 10
            ) AS blocker
        )
        WHEN EXISTS (
            SELECT FROM sessions
            WHERE backend_type = 'startup'
                AND wait_event IN ('RecoveryConflictSnapshot', 'RecoveryConflictTablespace', 'BufferPin')
        ) THEN (
            SELECT json_agg(blocker) FROM (
                SELECT
                    pid,
                    usename AS user,
                    application_name AS application,
                    datname AS database,
                    client,
                    state,
                    extract(epoch FROM here.now - xact_start) AS age_s,
                    greatest(age(backend_xmin), 0) AS xmin_age,
                    wait,
                    query
                FROM sessions
                WHERE backend_type = 'client backend' AND backend_xmin IS NOT NULL
                ORDER BY age(backend_xmin) DESC, xact_start
                LIMIT 5
            ) AS blocker
        )
    END AS blockers,
    (
        SELECT json_agg(transaction) FROM (
            SELECT
                pid,
                usename AS user,
                application_name AS application,
                datname AS database,
                client,
                state,
                extract(epoch FROM here.now - xact_start) AS age_s,
                CASE
                    WHEN query !~* '^\s*vacuum\M' AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)
                        THEN greatest(age(backend_xmin), age(backend_xid), 0)
                END AS xmin_age,
                backend_xid IS NOT NULL AS wrote,
                wait,
                query
            FROM sessions
            WHERE backend_type = 'client backend' AND xact_start < here.now - interval '1 second'
            ORDER BY backend_xid IS NULL, xact_start
            LIMIT 5
        ) AS transaction
    ) AS oldest,
    CASE
        WHEN EXISTS (
            SELECT FROM sessions
            WHERE wait_event_type = 'Lock'
                AND (backend_type = 'walsender' OR pid IN (SELECT active_pid FROM pg_replication_slots AS slot))
        ) THEN (
            SELECT json_agg(sender) FROM (
                SELECT
                    waiter.pid,
                    waiter.application_name AS name,
                    slot.slot_name AS slot,
                    waiter.wait,
                    extract(epoch FROM here.now - waiter.state_change) AS waits_s,
                    coalesce(substring(waiter.query FROM '^\s*([A-Z_]+)'), '') AS command,
                    (
                        SELECT json_agg(json_build_object(
                            'pid', holder.pid,
                            'user', coalesce(holder.usename, ''),
                            'application', coalesce(holder.application_name, ''),
                            'database', coalesce(holder.datname, ''),
                            'client', holder.client,
                            'state', coalesce(holder.state, ''),
                            'age_s', coalesce(extract(epoch FROM here.now - holder.xact_start), 0),
                            'wrote', holder.backend_xid IS NOT NULL,
                            'wait', holder.wait,
                            'query', holder.query
                        ))
                        FROM unnest(pg_blocking_pids(waiter.pid)) AS blocker
                        JOIN sessions AS holder ON holder.pid = blocker
                    ) AS blockers,
                    (
                        SELECT json_agg(prepared.gid)
                        FROM pg_locks AS wanted
                        JOIN pg_prepared_xacts AS prepared ON prepared.transaction = wanted.transactionid
                        WHERE wanted.pid = waiter.pid AND NOT wanted.granted
                    ) AS prepared
                FROM sessions AS waiter
                LEFT JOIN pg_replication_slots AS slot ON slot.active_pid = waiter.pid
                WHERE waiter.wait_event_type = 'Lock' AND (waiter.backend_type = 'walsender' OR slot.slot_name IS NOT NULL)
                ORDER BY waiter.state_change
                LIMIT 10
            ) AS sender
        )
    END AS waiting_senders,
    waiting.sync_waiters,
    coalesce(waiting.sync_wait_s, 0) AS sync_wait_s,
    prepared.prepared_transactions,
    coalesce(prepared.prepared_oldest_s, 0) AS prepared_oldest_s,
    prepared.prepared_gid,
    prepared.prepared_age
FROM here
CROSS JOIN LATERAL (
    SELECT count(*) AS sync_waiters, extract(epoch FROM here.now - min(state_change)) AS sync_wait_s
    FROM sessions
    WHERE wait_event = 'SyncRep'
) AS waiting
CROSS JOIN LATERAL (
    SELECT
        count(*) AS prepared_transactions,
        extract(epoch FROM here.now - min(prepared.prepared)) AS prepared_oldest_s,
        (array_agg(prepared.gid ORDER BY age(prepared.transaction) DESC))[1] AS prepared_gid,
        max(CASE WHEN prepared.transaction IS NOT NULL THEN greatest(age(prepared.transaction), 0) END) AS prepared_age
    FROM pg_prepared_xacts AS prepared
) AS prepared

-- One look: the frame around the groups. catalog.py replaces each name in braces with the query of that group.
-- Since 13: WITH ... AS MATERIALIZED.
--
-- One statement, one snapshot, one round trip, one JSON document; NULL values are absent from it.
--
-- here        Read once, so that all groups agree on the role and on the time.
-- control     Read once: the server reads its control file each time.
-- sessions    The cost of pg_stat_activity grows with the number of backends, so it is read once, without idle clients.
-- alone       No other client is connected: only then does the agent's session hold up a smart shutdown.
-- wanted      Somebody renames, drops or copies this database, and waits 5 s for its sessions to end.
-- subscribed  Whether to read subscriptions, which costs an eighth of the look even where there are none.
WITH here AS MATERIALIZED (
    SELECT pg_is_in_recovery() AS in_recovery, clock_timestamp() AS now
),
control AS MATERIALIZED (
    SELECT timeline_id, redo_lsn FROM pg_control_checkpoint() AS checkpoint
),
sessions AS MATERIALIZED (
    SELECT pid, backend_start, backend_type, usename, application_name, datname, host(client_addr) AS client, state,
        xact_start, state_change, backend_xid, backend_xmin, wait_event_type, wait_event, wait_event_type || '/' || wait_event AS wait,
        left(query, 1000) AS query
    FROM pg_stat_activity AS session
    WHERE pid <> pg_backend_pid() AND (backend_type IS DISTINCT FROM 'client backend' OR state IS DISTINCT FROM 'idle')
)
SELECT json_strip_nulls(json_build_object(
    'node', (SELECT row_to_json(one) FROM ({node}) AS one),
    'database', current_database(),
    'positions', (SELECT row_to_json(one) FROM ({positions}) AS one),
    'downstreams', (SELECT json_agg(each) FROM ({downstreams}) AS each),
    'upstream', (SELECT row_to_json(one) FROM ({upstream}) AS one),
    'slots', (SELECT json_agg(each) FROM ({slots}) AS each),
    'subscriptions', (SELECT json_agg(each) FROM ({subscriptions}) AS each),
    'copies', (SELECT json_agg(each) FROM ({copies}) AS each),
    'alone', (SELECT count(*) FROM pg_stat_get_backend_idset() AS backend)
        <= 1 + (SELECT count(*) FROM sessions WHERE backend_type IS DISTINCT FROM 'client backend'),
    'wanted', EXISTS (
        SELECT FROM sessions
        WHERE state = 'active' AND backend_type = 'client backend' AND query ~* '^\s*(alter|drop|create)\s+database\M'
            AND strpos(lower(query), lower(current_database())) > 0
    ),
    'subscribed', EXISTS (SELECT FROM pg_subscription AS subscription),
    'publications', (SELECT json_agg(pubname ORDER BY pubname) FROM pg_publication AS publication),
    'conflicts', (SELECT json_agg(each) FROM ({conflicts}) AS each),
    'activity', (SELECT row_to_json(one) FROM ({activity}) AS one),
    'archiver', (SELECT row_to_json(one) FROM ({archiver}) AS one)
))::text

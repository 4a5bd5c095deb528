-- Published tables, and those whose updates or deletes the server refuses; read where the database has publications.
-- Since 13: catalogs of every version. catalog.py replaces names in braces with what a version adds.
--
-- published  Every table that can be updated, once for each publication of updates or deletes: of a partitioned table the
--            partitions, because the server checks the table that holds the row.
-- identity   Columns of the replica identity: of its index, or all of them.
-- deferred   Columns of the key that was to be the identity and is deferrable, which the server does not take.
-- reason     In the order in which the server checks (CheckCmdReplicaIdentity in execReplication.c). A table without an
--            identity counts once it was updated or deleted from: rows that are only inserted need none. A deferrable
--            key, a filter, a column list or FULL shows that somebody wanted updates.
-- publishes  The tables of each publication as a subscription gets their names; none of a publication of over 1000.
-- filtered   The columns of a row filter, by their numbers in its parsed form.
-- timeout    What ALTER ROLE and ALTER DATABASE set for logical senders, the narrowest first, as the server applies it.
--            A timeout in the configuration file is not seen: the agent's session has its own.
WITH published AS (
    SELECT publication.oid AS publication, publication.pubname, publication.pubupdate, publication.pubdelete,
        listed.table_oid, listed.parent, listed.filter, listed.columns
    FROM pg_publication AS publication
    CROSS JOIN LATERAL (
        SELECT coalesce(leaf.relid, member.relation) AS table_oid, member.relation AS parent, member.filter,
            member.columns
        FROM ({members}) AS member
        LEFT JOIN LATERAL (SELECT relid FROM pg_partition_tree(member.relation) WHERE isleaf) AS leaf ON true
        UNION ALL
        SELECT class.oid, class.oid, NULL, NULL
        FROM pg_class AS class
        WHERE publication.puballtables AND class.relkind = 'r' AND class.relpersistence = 'p' AND class.oid >= 16384
    ) AS listed
    WHERE (publication.pubupdate OR publication.pubdelete) AND NOT pg_is_in_recovery()
),
described AS (
    SELECT
        published.pubname,
        class.oid::regclass::text AS name,
        class.relreplident AS kind,
        published.pubupdate,
        published.pubdelete,
        published.columns,
        pg_stat_get_tuples_updated(class.oid) + pg_stat_get_tuples_deleted(class.oid) > 0 AS changed,
        ({generated}) AS generated,
        identity.columns AS identity,
        identity.deferred,
        (
            SELECT array_agg(DISTINCT column_of.attname::text)
            FROM regexp_matches(published.filter, ':varattno (\d+)', 'g') AS found
            JOIN pg_attribute AS column_of
                ON column_of.attrelid = published.parent AND column_of.attnum = found[1]::int AND column_of.attnum > 0
        ) AS filtered
    FROM published
    JOIN pg_class AS class ON class.oid = published.table_oid AND class.relkind = 'r'
    CROSS JOIN LATERAL (
        SELECT
            array_agg(column_of.attname::text) FILTER (WHERE index.indimmediate) AS columns,
            array_agg(column_of.attname::text) FILTER (WHERE NOT index.indimmediate) AS deferred
        FROM pg_index AS index
        JOIN pg_attribute AS column_of ON column_of.attrelid = class.oid AND column_of.attnum = ANY (index.indkey)
        WHERE index.indrelid = class.oid AND index.indisvalid AND (
            (class.relreplident = 'd' AND index.indisprimary) OR (class.relreplident = 'i' AND index.indisreplident)
        )
    ) AS identity
),
refused AS (
    SELECT name, pubname, pubupdate, pubdelete, changed, kind, deferred,
        CASE
            WHEN kind <> 'f' AND identity IS NULL THEN 'no_identity'
            WHEN kind <> 'f' AND NOT coalesce(filtered, '{}') <@ identity THEN 'row_filter'
            WHEN columns IS NOT NULL AND (kind = 'f' OR NOT identity <@ columns) THEN 'column_list'
            WHEN generated IS NOT NULL AND (kind = 'f' OR generated && identity) THEN 'generated_column'
        END AS reason,
        CASE
            WHEN kind <> 'f' AND identity IS NULL THEN deferred
            WHEN kind <> 'f' AND NOT coalesce(filtered, '{}') <@ identity
                THEN ARRAY(SELECT unnest(filtered) EXCEPT SELECT unnest(identity))
            WHEN columns IS NOT NULL AND NOT coalesce(identity, '{}') <@ columns
                THEN ARRAY(SELECT unnest(identity) EXCEPT SELECT unnest(columns))
            ELSE generated
        END AS columns
    FROM described
),
timeout AS (
    SELECT DISTINCT ON (sender.application_name, sender.usename, sender.datname, split_part(set.entry, '=', 1))
        sender.application_name AS sender,
        sender.usename AS role,
        sender.datname AS database,
        split_part(set.entry, '=', 1) AS setting,
        split_part(set.entry, '=', 2) AS value,
        CASE
            WHEN own.setrole <> 0 AND own.setdatabase <> 0 THEN 'role in database'
            WHEN own.setrole <> 0 THEN 'role'
            WHEN own.setdatabase <> 0 THEN 'database'
            ELSE 'all roles'
        END AS set_for
    FROM pg_stat_activity AS sender
    JOIN pg_db_role_setting AS own
        ON own.setrole IN (0, sender.usesysid) AND own.setdatabase IN (0, sender.datid)
    CROSS JOIN LATERAL unnest(own.setconfig) AS set (entry)
    WHERE sender.backend_type = 'walsender' AND sender.datid <> 0 AND sender.usename IS NOT NULL
        AND set.entry ~ '^(statement|transaction)_timeout='
    ORDER BY sender.application_name, sender.usename, sender.datname, split_part(set.entry, '=', 1),
        own.setrole = 0, own.setdatabase = 0
    LIMIT 20
)
SELECT json_strip_nulls(json_build_object('publishes', (
    SELECT json_object_agg(pubname, tables) FROM (
        SELECT publication.pubname, coalesce(
            json_agg(quote_ident(sent.schemaname) || '.' || quote_ident(sent.tablename))
                FILTER (WHERE sent.tablename IS NOT NULL),
            '[]'
        ) AS tables
        FROM pg_publication AS publication
        LEFT JOIN pg_publication_tables AS sent ON sent.pubname = publication.pubname
        GROUP BY publication.pubname
        HAVING count(*) <= 1000
    ) AS lists
), 'sender_timeouts', coalesce((SELECT json_agg(timeout) FROM timeout), '[]'), 'refused', coalesce((
    SELECT json_agg(one) FROM (
        SELECT name, reason, columns, kind AS identity, pubname AS publication, pubupdate AS updates,
            pubdelete AS deletes, changed
        FROM refused
        WHERE reason IS NOT NULL AND (changed OR deferred IS NOT NULL OR reason <> 'no_identity' OR kind = 'i')
        ORDER BY NOT changed, name, pubname
        LIMIT 20
    ) AS one
), '[]')))::text

-- Published tables whose updates or deletes the server refuses; read where the database has publications.
-- Since 18: generated columns of the identity have to be published.
--
-- published  Every table that can be updated, once for each publication of updates or deletes: of a partitioned table the
--            partitions, because the server checks the table that holds the row.
-- identity   Columns of the replica identity: of its index, or all of them.
-- reason     In the order in which the server checks (CheckCmdReplicaIdentity in execReplication.c). A table without an
--            identity counts once it was updated or deleted from: rows that are only inserted need none. A filter, a
--            column list or FULL shows that somebody wanted updates.
-- filtered   The columns of a row filter, by their numbers in its parsed form.
WITH published AS (
    SELECT publication.oid AS publication, publication.pubname, publication.pubupdate, publication.pubdelete,
        listed.table_oid, listed.parent, publication.pubgencols, listed.filter, listed.columns
    FROM pg_publication AS publication
    CROSS JOIN LATERAL (
        SELECT coalesce(leaf.relid, relation.prrelid) AS table_oid, relation.prrelid AS parent,
            relation.prqual::text AS filter, (
                SELECT array_agg(attname::text) FROM pg_attribute
                WHERE attrelid = relation.prrelid AND attnum = ANY (relation.prattrs)
            ) AS columns
        FROM pg_publication_rel AS relation
        LEFT JOIN LATERAL (
            SELECT relid FROM pg_partition_tree(relation.prrelid) WHERE isleaf
        ) AS leaf ON true
        WHERE relation.prpubid = publication.oid
        UNION ALL
        SELECT class.oid, class.oid, NULL, NULL
        FROM pg_class AS class
        WHERE publication.puballtables AND class.relkind = 'r' AND class.relpersistence = 'p' AND class.oid >= 16384
        UNION ALL
        SELECT coalesce(leaf.relid, class.oid), class.oid, NULL, NULL
        FROM pg_publication_namespace AS space
        JOIN pg_class AS class ON class.relnamespace = space.pnnspid AND class.relkind IN ('r', 'p')
            AND class.relpersistence = 'p'
        LEFT JOIN LATERAL (SELECT relid FROM pg_partition_tree(class.oid) WHERE isleaf) AS leaf ON true
        WHERE space.pnpubid = publication.oid
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
        (
            SELECT array_agg(attname::text) FROM pg_attribute
            WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped AND (
                attgenerated = 'v'
                OR (attgenerated = 's' AND published.columns IS NULL AND published.pubgencols <> 's')
            )
        ) AS generated,
        (
            SELECT array_agg(column_of.attname::text)
            FROM pg_index AS index
            JOIN pg_attribute AS column_of ON column_of.attrelid = class.oid AND column_of.attnum = ANY (index.indkey)
            WHERE index.indrelid = class.oid AND index.indimmediate AND index.indisvalid AND (
                (class.relreplident = 'd' AND index.indisprimary) OR (class.relreplident = 'i' AND index.indisreplident)
            )
        ) AS identity,
        (
            SELECT array_agg(DISTINCT column_of.attname::text)
            FROM regexp_matches(published.filter, ':varattno (\d+)', 'g') AS found
            JOIN pg_attribute AS column_of
                ON column_of.attrelid = published.parent AND column_of.attnum = found[1]::int AND column_of.attnum > 0
        ) AS filtered
    FROM published
    JOIN pg_class AS class ON class.oid = published.table_oid AND class.relkind = 'r'
),
refused AS (
    SELECT name, pubname, pubupdate, pubdelete, changed, kind,
        CASE
            WHEN kind <> 'f' AND identity IS NULL THEN 'no_identity'
            WHEN kind <> 'f' AND NOT coalesce(filtered, '{}') <@ identity THEN 'row_filter'
            WHEN columns IS NOT NULL AND (kind = 'f' OR NOT identity <@ columns) THEN 'column_list'
            WHEN generated IS NOT NULL AND (kind = 'f' OR generated && identity) THEN 'generated_column'
        END AS reason,
        CASE
            WHEN kind <> 'f' AND NOT coalesce(filtered, '{}') <@ identity
                THEN ARRAY(SELECT unnest(filtered) EXCEPT SELECT unnest(identity))
            WHEN columns IS NOT NULL AND NOT coalesce(identity, '{}') <@ columns
                THEN ARRAY(SELECT unnest(identity) EXCEPT SELECT unnest(columns))
            ELSE generated
        END AS columns
    FROM described
)
SELECT json_strip_nulls(json_build_object('refused', coalesce((
    SELECT json_agg(one) FROM (
        SELECT name, reason, columns, kind AS identity, pubname AS publication, pubupdate AS updates,
            pubdelete AS deletes, changed
        FROM refused
        WHERE reason IS NOT NULL AND (changed OR reason <> 'no_identity' OR kind = 'i')
        ORDER BY NOT changed, name, pubname
        LIMIT 20
    ) AS one
), '[]')))::text

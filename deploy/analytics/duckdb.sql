-- Views over the files of `leadline sink parquet`, for DuckDB 1.2 or newer:
--   duckdb -cmd "SET VARIABLE leadline = '/var/lib/leadline/parquet'" -init duckdb.sql
-- A view needs at least one file of its topic. Records are taken once, also those that were written to Kafka twice.

-- Lag of each link over 10 and 60 seconds.
CREATE OR REPLACE TEMPORARY VIEW lag AS
SELECT * EXCLUDE (kafka_partition, kafka_removed, unreadable)
FROM read_parquet(getvariable('leadline') || '/lag/day=*/*.parquet', union_by_name = true, hive_partitioning = true)
WHERE unreadable IS NULL AND NOT kafka_removed
QUALIFY row_number() OVER (PARTITION BY link, window_s, "end" ORDER BY kafka_offset DESC) = 1;

-- Incidents as they are now. Those that turned out to be a part of another one have `merged_into`; audits find the
-- classes other than page.
CREATE OR REPLACE TEMPORARY VIEW incidents AS
SELECT
    incident_id, cluster, "class", state, severity, title,
    opened_at, detected_at, cause_at, resolved_at,
    causes[1].code AS cause,
    causes[1].confidence AS confidence,
    len(affected.links) AS links,
    len(affected.nodes) AS nodes,
    worst_lag_s, acknowledged_by, merged_into, parent,
    date_diff('millisecond', opened_at, detected_at) / 1000.0 AS to_detect_s,
    date_diff('millisecond', opened_at, cause_at) / 1000.0 AS to_cause_s,
    date_diff('millisecond', opened_at, resolved_at) / 1000.0 AS to_resolve_s
FROM read_parquet(getvariable('leadline') || '/incidents/day=*/*.parquet', union_by_name = true)
WHERE unreadable IS NULL AND NOT kafka_removed
QUALIFY row_number() OVER (PARTITION BY incident_id ORDER BY seq DESC, kafka_offset DESC) = 1;

-- Every transition of every alert.
CREATE OR REPLACE TEMPORARY VIEW alerts AS
SELECT
    event_time, cluster, datacenter, alert_id, seq, rule, subject.kind AS subject_kind, subject.id AS subject,
    "from", "to", reason, severity, value, threshold, unit, verdict, summary
FROM read_parquet(getvariable('leadline') || '/alerts/day=*/*.parquet', union_by_name = true)
WHERE unreadable IS NULL AND NOT kafka_removed
QUALIFY row_number() OVER (PARTITION BY alert_id, seq ORDER BY kafka_offset DESC) = 1;

-- Links and nodes as they were last judged, without those that are forgotten.
CREATE OR REPLACE TEMPORARY VIEW status AS
SELECT * EXCLUDE (kafka_removed, unreadable) FROM (
    SELECT *
    FROM read_parquet(getvariable('leadline') || '/status/day=*/*.parquet', union_by_name = true)
    WHERE unreadable IS NULL
    QUALIFY row_number() OVER (PARTITION BY kafka_key, kafka_partition ORDER BY kafka_offset DESC) = 1
)
WHERE NOT kafka_removed;

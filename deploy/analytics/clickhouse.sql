-- Views over the files of `leadline sink parquet`, for ClickHouse 24 or newer; tested with chDB. The folder of the files is
-- `leadline` under `user_files_path`; put another path in its place for clickhouse-local and chDB.
-- A view needs at least one file of its topic. Records are taken once, also those that were written to Kafka twice.
-- Files of several versions of Leadline are read together, by the names of their columns: the columns would otherwise be
-- those of one file. Where a column has structure, which a later version may add to, its type is given.

-- Lag of each link over 10 and 60 seconds.
CREATE OR REPLACE VIEW lag AS
SELECT * EXCEPT (kafka_partition, kafka_removed, unreadable)
FROM file('leadline/lag/day=*/*.parquet', 'Parquet')
WHERE unreadable IS NULL AND NOT kafka_removed
ORDER BY kafka_offset DESC
LIMIT 1 BY link, window_s, `end`
SETTINGS schema_inference_mode = 'union';

-- Incidents as they are now. Those that turned out to be a part of another one have `merged_into`; audits find the
-- classes other than page.
CREATE OR REPLACE VIEW incidents AS
SELECT
    incident_id, cluster, `class`, state, severity, title,
    opened_at, detected_at, cause_at, resolved_at,
    if(empty(causes), NULL, causes[1].code) AS cause,
    if(empty(causes), NULL, causes[1].confidence) AS confidence,
    length(affected.links) AS links,
    length(affected.nodes) AS nodes,
    worst_lag_s, acknowledged_by, merged_into, parent,
    date_diff('millisecond', opened_at, detected_at) / 1000.0 AS to_detect_s,
    date_diff('millisecond', opened_at, cause_at) / 1000.0 AS to_cause_s,
    date_diff('millisecond', opened_at, resolved_at) / 1000.0 AS to_resolve_s
FROM file(
    'leadline/incidents/day=*/*.parquet', 'Parquet',
    'kafka_offset Int64, kafka_removed Bool, unreadable Nullable(String),
    incident_id String, seq Int64, cluster String, `class` Nullable(String), state String, severity String, title String,
    opened_at DateTime64(3, \'UTC\'), detected_at DateTime64(3, \'UTC\'),
    cause_at Nullable(DateTime64(3, \'UTC\')), resolved_at Nullable(DateTime64(3, \'UTC\')),
    causes Array(Tuple(code Nullable(String), confidence Nullable(Float64))),
    affected Tuple(links Array(Nullable(String)), nodes Array(Nullable(String))),
    worst_lag_s Nullable(Float64), acknowledged_by Nullable(String), merged_into Nullable(String), parent Nullable(String)'
)
WHERE unreadable IS NULL AND NOT kafka_removed
ORDER BY seq DESC, kafka_offset DESC
LIMIT 1 BY incident_id;

-- Every transition of every alert.
CREATE OR REPLACE VIEW alerts AS
SELECT
    event_time, cluster, datacenter, alert_id, seq, rule, subject.kind AS subject_kind, subject.id AS subject,
    `from`, `to`, reason, severity, value, threshold, unit, verdict, summary
FROM file(
    'leadline/alerts/day=*/*.parquet', 'Parquet',
    'kafka_offset Int64, kafka_removed Bool, unreadable Nullable(String),
    event_time DateTime64(3, \'UTC\'), cluster String, datacenter String, alert_id String, seq Int64, rule String,
    subject Tuple(kind Nullable(String), id Nullable(String)), `from` String, `to` String, reason Nullable(String),
    severity String, value Nullable(Float64), threshold Nullable(Float64), unit Nullable(String),
    verdict Nullable(String), summary Nullable(String)'
)
WHERE unreadable IS NULL AND NOT kafka_removed
ORDER BY kafka_offset DESC
LIMIT 1 BY alert_id, seq;

-- Links and nodes as they were last judged, without those that are forgotten.
CREATE OR REPLACE VIEW status AS
SELECT * EXCEPT (kafka_removed, unreadable)
FROM (
    SELECT *
    FROM file('leadline/status/day=*/*.parquet', 'Parquet')
    WHERE unreadable IS NULL
    ORDER BY kafka_offset DESC
    LIMIT 1 BY kafka_key, kafka_partition
)
WHERE NOT kafka_removed
SETTINGS schema_inference_mode = 'union';

-- One problem, one incident: which other one it was merged into, when it returned, how often people were to be notified
-- anew, and its impact.

ALTER TABLE leadline.incident
    ADD COLUMN merged_into    text,
    ADD COLUMN reopened       timestamptz[] NOT NULL DEFAULT '{}',
    ADD COLUMN generation     bigint NOT NULL DEFAULT 1,
    ADD COLUMN worst_lag_s    float8,
    ADD COLUMN affected_links text[] NOT NULL DEFAULT '{}',
    ADD COLUMN affected_nodes text[] NOT NULL DEFAULT '{}';

-- An incident that was merged is a part of a problem, and has no times of its own: the times of the problem are those of the
-- incident that goes on.
CREATE OR REPLACE VIEW leadline.incident_times AS
SELECT
    incident_id, cluster, peak_severity AS severity, state, cause, parent,
    opened_at, detected_at, cause_at, notified_at, acknowledged_at, resolved_at,
    extract(epoch FROM detected_at - opened_at)::float8 AS to_detect_s,
    extract(epoch FROM cause_at - opened_at)::float8 AS to_cause_s,
    extract(epoch FROM cause_at - detected_at)::float8 AS detected_to_cause_s,
    extract(epoch FROM notified_at - detected_at)::float8 AS to_notify_s,
    extract(epoch FROM acknowledged_at - notified_at)::float8 AS to_acknowledge_s,
    extract(epoch FROM resolved_at - opened_at)::float8 AS to_resolve_s,
    state = 'resolved' AND acknowledged_at IS NULL AS self_healed,
    merged_into,
    cardinality(reopened) AS returns,
    worst_lag_s
FROM leadline.incident
CROSS JOIN LATERAL (
    SELECT
        min(log.at) FILTER (WHERE kind = 'notification' AND outcome IN ('sent', 'partial')) AS notified_at,
        min(log.at) FILTER (WHERE kind = 'acknowledgement') AS acknowledged_at
    FROM leadline.log
    WHERE log.incident_id = incident.incident_id
) AS told;

CREATE OR REPLACE VIEW leadline.response_times AS
SELECT
    cluster, severity,
    count(*) AS incidents,
    count(*) FILTER (WHERE state = 'resolved') AS resolved,
    count(*) FILTER (WHERE acknowledged_at IS NOT NULL) AS acknowledged,
    count(*) FILTER (WHERE self_healed) AS self_healed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY to_detect_s) AS to_detect_p50_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY to_detect_s) AS to_detect_p90_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY to_cause_s) AS to_cause_p50_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY to_cause_s) AS to_cause_p90_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY to_notify_s) AS to_notify_p50_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY to_notify_s) AS to_notify_p90_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY to_acknowledge_s) AS to_acknowledge_p50_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY to_acknowledge_s) AS to_acknowledge_p90_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY to_resolve_s) AS to_resolve_p50_s,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY to_resolve_s) AS to_resolve_p90_s
FROM leadline.incident_times
WHERE parent IS NULL AND merged_into IS NULL
GROUP BY cluster, severity;

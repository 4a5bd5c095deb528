-- What was changed on servers and what audits found, as rows of the chain beside the incidents that they explain, and which
-- incidents can return.

ALTER TABLE leadline.log DROP CONSTRAINT log_kind_check;
ALTER TABLE leadline.log ADD CONSTRAINT log_kind_check CHECK (kind IN
    ('transition', 'incident', 'notification', 'suppression', 'acknowledgement', 'note', 'change', 'audit', 'checkpoint'));
CREATE INDEX log_history ON leadline.log (at) WHERE kind IN ('change', 'audit');

-- Audit rules that watch measures against an incident and were violated again after its end.
ALTER TABLE leadline.incident ADD COLUMN recurrence_rules text[] NOT NULL DEFAULT '{}';

-- A record may hold escapes of characters that no text can hold; then nothing is taken out of it but what is in columns.
CREATE VIEW leadline.change AS
SELECT
    number, cluster,
    safe -> 'change' ->> 'node' AS node,
    safe -> 'change' ->> 'setting' AS setting,
    safe -> 'change' ->> 'from' AS from_value,
    safe -> 'change' ->> 'to' AS to_value,
    (safe -> 'change' ->> 'after')::timestamptz AS after,
    at,
    safe -> 'change' ->> 'source' AS source,
    safe -> 'change' ->> 'file' AS file,
    (safe -> 'change' ->> 'line')::bigint AS line,
    coalesce((safe -> 'change' ->> 'pending_restart')::boolean, false) AS pending_restart,
    what
FROM leadline.log
CROSS JOIN LATERAL (
    SELECT CASE WHEN record::text !~ '\\u(0000|d[89ab])' THEN record END AS safe
) AS readable
WHERE kind = 'change';

CREATE VIEW leadline.audit AS
SELECT
    number, cluster, at AS audited_at,
    safe ->> 'audit_id' AS audit_id,
    (safe ->> 'score')::integer AS score,
    (safe -> 'counts' ->> 'critical')::bigint AS critical,
    (safe -> 'counts' ->> 'warning')::bigint AS warning,
    (safe -> 'counts' ->> 'info')::bigint AS info,
    (safe -> 'counts' ->> 'accepted')::bigint AS accepted,
    (safe -> 'counts' ->> 'not_judged')::bigint AS not_judged,
    what
FROM leadline.log
CROSS JOIN LATERAL (
    SELECT CASE WHEN record::text !~ '\\u(0000|d[89ab])' THEN record END AS safe
) AS readable
WHERE kind = 'audit';

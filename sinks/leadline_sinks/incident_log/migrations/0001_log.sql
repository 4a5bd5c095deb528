-- The log, what vouches for it, the incidents as they are now, and the numbers.
--
-- Identities have no bound on their length, and a B-tree refuses keys above 2.7 kB: they are in hash indexes, which keep
-- four bytes of each. An exclusion constraint over a hash index is what makes them unique.

CREATE TABLE leadline.log (
    number      bigint PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN
                ('transition', 'incident', 'notification', 'suppression', 'acknowledgement', 'note', 'checkpoint')),
    event_id    text NOT NULL,
    incident_id text,
    alert_id    text,
    cluster     text,
    who         text,
    outcome     text,
    what        text NOT NULL,
    at          timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    source      text NOT NULL,
    record      json NOT NULL,
    hash        bytea NOT NULL CHECK (length(hash) = 32),
    CONSTRAINT log_event_id_once EXCLUDE USING hash (event_id WITH =)
);
CREATE INDEX log_incident_id ON leadline.log USING hash (incident_id);
CREATE INDEX log_alert_id ON leadline.log USING hash (alert_id);

-- One row: the end of the chain. Whoever appends holds it FOR UPDATE until the commit, so there is one chain.
CREATE TABLE leadline.head (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    number   bigint NOT NULL,
    hash     bytea NOT NULL CHECK (length(hash) = 32)
);
INSERT INTO leadline.head (number, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- Where the chain begins after retention. The log row of this number, a checkpoint, says the same and is in the chain.
CREATE TABLE leadline.checkpoint (
    number  bigint PRIMARY KEY,
    through bigint NOT NULL UNIQUE CHECK (through < number),
    hash    bytea NOT NULL CHECK (length(hash) = 32)
);

-- Made from the log, for lists; the latest record of each incident.
CREATE TABLE leadline.incident (
    incident_id   text NOT NULL,
    seq           bigint NOT NULL,
    cluster       text NOT NULL,
    state         text NOT NULL CHECK (state IN ('open', 'resolved')),
    severity      text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    peak_severity text NOT NULL CHECK (peak_severity IN ('info', 'warning', 'critical')),
    title         text NOT NULL,
    cause         text,
    parent        text,
    opened_at     timestamptz NOT NULL,
    detected_at   timestamptz NOT NULL,
    cause_at      timestamptz,
    resolved_at   timestamptz,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT incident_once EXCLUDE USING hash (incident_id WITH =)
);
CREATE INDEX incident_opened_at ON leadline.incident (opened_at DESC);

-- What is written down stays. Grants say so to everybody but the owner; this says so to the owner.
CREATE FUNCTION leadline.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'leadline.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION leadline.refuse_beyond_checkpoint() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.number > coalesce((SELECT max(through) FROM leadline.checkpoint), 0) THEN
        RAISE EXCEPTION 'leadline.log is append-only: no checkpoint lets row % go', OLD.number
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON leadline.log
    FOR EACH STATEMENT EXECUTE FUNCTION leadline.refuse();
CREATE TRIGGER retention_only BEFORE DELETE ON leadline.log
    FOR EACH ROW EXECUTE FUNCTION leadline.refuse_beyond_checkpoint();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON leadline.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION leadline.refuse();
CREATE TRIGGER one_row BEFORE DELETE OR TRUNCATE ON leadline.head
    FOR EACH STATEMENT EXECUTE FUNCTION leadline.refuse();

-- Retention, with the owner's rights, so that the writer needs none to delete: up to the newest checkpoint, and only what
-- is older than a day and of no open incident.
CREATE FUNCTION leadline.forget() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint := (SELECT max(through) FROM leadline.checkpoint);
    gone bigint;
BEGIN
    IF EXISTS (SELECT FROM leadline.log WHERE number <= last AND recorded_at > now() - interval '1 day') THEN
        RAISE EXCEPTION 'what is younger than a day is not removed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT FROM leadline.log JOIN leadline.incident USING (incident_id)
        WHERE log.number <= last AND incident.state = 'open'
    ) THEN
        RAISE EXCEPTION 'an open incident is not removed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM leadline.log WHERE number <= last;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM leadline.incident
    WHERE state = 'resolved' AND NOT EXISTS (SELECT FROM leadline.log WHERE log.incident_id = incident.incident_id);
    RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION leadline.forget() FROM PUBLIC;

CREATE VIEW leadline.incident_times AS
SELECT
    incident_id, cluster, peak_severity AS severity, state, cause, parent,
    opened_at, detected_at, cause_at, notified_at, acknowledged_at, resolved_at,
    extract(epoch FROM detected_at - opened_at)::float8 AS to_detect_s,
    extract(epoch FROM cause_at - opened_at)::float8 AS to_cause_s,
    extract(epoch FROM cause_at - detected_at)::float8 AS detected_to_cause_s,
    extract(epoch FROM notified_at - detected_at)::float8 AS to_notify_s,
    extract(epoch FROM acknowledged_at - notified_at)::float8 AS to_acknowledge_s,
    extract(epoch FROM resolved_at - opened_at)::float8 AS to_resolve_s,
    state = 'resolved' AND acknowledged_at IS NULL AS self_healed
FROM leadline.incident
CROSS JOIN LATERAL (
    SELECT
        min(log.at) FILTER (WHERE kind = 'notification' AND outcome IN ('sent', 'partial')) AS notified_at,
        min(log.at) FILTER (WHERE kind = 'acknowledgement') AS acknowledged_at
    FROM leadline.log
    WHERE log.incident_id = incident.incident_id
) AS told;

CREATE VIEW leadline.response_times AS
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
WHERE parent IS NULL
GROUP BY cluster, severity;

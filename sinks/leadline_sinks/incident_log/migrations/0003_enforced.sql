-- What a role that may only append can do is decided here: its rows follow each other, the head is the last of them, and
-- a checkpoint vouches only for rows that are old enough.

-- The shortest time for which rows are kept, whatever a sink's settings say. Only the owner may change it.
CREATE TABLE leadline.retention (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    days     integer NOT NULL DEFAULT 90 CHECK (days >= 1)
);
INSERT INTO leadline.retention DEFAULT VALUES;

CREATE FUNCTION leadline.follow_last_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint := coalesce((SELECT max(number) FROM leadline.log), (SELECT number FROM leadline.head));
BEGIN
    IF NEW.number IS DISTINCT FROM last + 1 THEN
        RAISE EXCEPTION 'row % does not follow row %, the last one of leadline.log', NEW.number, last
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION leadline.be_last_row() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.number IS DISTINCT FROM (SELECT max(number) FROM leadline.log)
       OR NEW.hash IS DISTINCT FROM (SELECT hash FROM leadline.log WHERE number = NEW.number)
       OR NEW.number < OLD.number
    THEN
        RAISE EXCEPTION 'the head of the incident log can only be its last row: row % is refused', NEW.number
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- Whether an incident of these rows is open: the last record of each counts.
CREATE FUNCTION leadline.holds_open(through bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (
        SELECT FROM (SELECT DISTINCT incident_id FROM leadline.log WHERE number <= through AND kind = 'incident') AS old
        WHERE (
            SELECT what FROM leadline.log WHERE log.incident_id = old.incident_id AND kind = 'incident'
            ORDER BY number DESC LIMIT 1
        ) LIKE 'open,%'
    )
$$;

CREATE FUNCTION leadline.vouch_for_old_rows() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept integer := (SELECT days FROM leadline.retention);
BEGIN
    IF NOT EXISTS (SELECT FROM leadline.log WHERE number = NEW.through AND hash = NEW.hash) OR NOT EXISTS (
        SELECT FROM leadline.log
        WHERE number = NEW.number AND kind = 'checkpoint' AND record ->> 'through' = NEW.through::text
          AND record ->> 'hash' = encode(NEW.hash, 'hex')
    ) THEN
        RAISE EXCEPTION 'row % of leadline.log is no checkpoint of row %', NEW.number, NEW.through
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF EXISTS (
        SELECT FROM leadline.log WHERE number <= NEW.through AND recorded_at > now() - make_interval(days => kept)
    ) THEN
        RAISE EXCEPTION 'rows up to % are younger than leadline.retention.days, which is %', NEW.through, kept
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF leadline.holds_open(NEW.through) THEN
        RAISE EXCEPTION 'rows up to % are of an open incident', NEW.through USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER follow_last_row BEFORE INSERT ON leadline.log
    FOR EACH ROW EXECUTE FUNCTION leadline.follow_last_row();
CREATE TRIGGER be_last_row BEFORE UPDATE ON leadline.head
    FOR EACH ROW EXECUTE FUNCTION leadline.be_last_row();
CREATE TRIGGER vouch_for_old_rows BEFORE INSERT ON leadline.checkpoint
    FOR EACH ROW EXECUTE FUNCTION leadline.vouch_for_old_rows();

-- The newest checkpoint has been checked: what it vouches for goes.
CREATE OR REPLACE FUNCTION leadline.forget() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last bigint := (SELECT max(through) FROM leadline.checkpoint);
    gone bigint;
BEGIN
    DELETE FROM leadline.log WHERE number <= last;
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM leadline.incident
    WHERE NOT EXISTS (SELECT FROM leadline.log WHERE log.incident_id = incident.incident_id);
    RETURN gone;
END $$;

-- Roles for the incident log with the least rights: one that writes, one that reads. Optional: with one role that owns
-- the schema, `leadline sink` needs none of this.
--
-- PostgreSQL 14 and later. First create the schema, as the role that is to own it and that no process uses:
--
--     LEADLINE_INCIDENT_LOG_DSN='host=pg-9 dbname=ops user=owner' leadline incidents migrate
--
-- Then run this file as that role, with the right to create roles, or as a superuser; run it again after each migration.
-- Then grant the roles to people and processes:
--
--     CREATE ROLE leadline_sink LOGIN IN ROLE leadline_log_writer;    then \password leadline_sink
--     GRANT leadline_log_reader TO ada;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['leadline_log_writer', 'leadline_log_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', wanted);
        END IF;
    END LOOP;
END $$;

REVOKE ALL ON SCHEMA leadline FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA leadline FROM PUBLIC;

-- Reading: lists, incidents, verification, views.
GRANT USAGE ON SCHEMA leadline TO leadline_log_reader, leadline_log_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA leadline TO leadline_log_reader, leadline_log_writer;

-- Rows are never changed: no UPDATE and no DELETE on the incident log and its checkpoints. The head moves with each row,
-- and the table of incidents is derived from the incident log.
GRANT INSERT ON leadline.log, leadline.checkpoint TO leadline_log_writer;
GRANT UPDATE (number, hash) ON leadline.head TO leadline_log_writer;
GRANT INSERT, UPDATE ON leadline.incident TO leadline_log_writer;

-- Retention: the function removes only rows that are covered by a checkpoint, which triggers refuse for rows younger than
-- leadline.retention.days and for rows of an open incident. Without this grant the incident log grows, and the sink reports once an hour that retention failed.
GRANT EXECUTE ON FUNCTION leadline.forget() TO leadline_log_writer;

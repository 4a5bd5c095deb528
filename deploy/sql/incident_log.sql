-- Roles for the incident log with the least rights: one that writes, one that reads. Optional: with one role that owns
-- the schema, `leadline sink` needs none of this.
--
-- PostgreSQL 14 and later. First make the schema, as the role that is to own it and that no process logs in as:
--
--     LEADLINE_INCIDENT_LOG_DSN='host=pg-9 dbname=ops user=owner' leadline incidents migrate
--
-- Then run this as that role, with the right to create roles, or as a superuser; again after each migration. Then let
-- people and processes in:
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

-- Lists, whole incidents, verification, the views.
GRANT USAGE ON SCHEMA leadline TO leadline_log_reader, leadline_log_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA leadline TO leadline_log_reader, leadline_log_writer;

-- What is written down is never changed: no UPDATE and no DELETE on the incident log and its checkpoints. The head moves on with
-- each row, and the table of incidents is made from the incident log.
GRANT INSERT ON leadline.log, leadline.checkpoint TO leadline_log_writer;
GRANT UPDATE (number, hash) ON leadline.head TO leadline_log_writer;
GRANT INSERT, UPDATE ON leadline.incident TO leadline_log_writer;

-- Retention, which removes only what is older than a day, of no open incident, and vouched for by a checkpoint. Without
-- this grant the writer cannot even do that, the incident log grows, and the sink says once an hour that retention failed.
GRANT EXECUTE ON FUNCTION leadline.forget() TO leadline_log_writer;

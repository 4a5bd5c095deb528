-- Optional: the agent reads the reason of a failure from the server log. Why a standby cannot connect, or why a subscription
-- cannot apply, is in the server log only; without this, Leadline says in which file to look.
--
-- The function returns the end of one file of the server log, 64 kB at most, and nothing else. (A grant on
-- pg_read_binary_file works too; it lets the role read every file of the data directory, so this is better.)
-- The agent calls it only while replication fails. It sends messages about replication, without the data in them.
--
-- For PostgreSQL 13 and later with logging_collector = on; csvlog or jsonlog in log_destination is read best, stderr works. Run
-- it after grants.sql as a superuser, in the database that the agent connects to: on each primary and each logical subscriber.
CREATE SCHEMA IF NOT EXISTS leadline;

CREATE OR REPLACE FUNCTION leadline.server_log(file text, most integer) RETURNS bytea
    LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog
    AS $$
        SELECT pg_read_binary_file(
            current_setting('log_directory') || '/' || name,
            greatest(0, size - least(most, 65536)), least(most, 65536), true
        )
        FROM pg_ls_logdir() WHERE name = file
    $$;

REVOKE EXECUTE ON FUNCTION leadline.server_log(text, integer) FROM PUBLIC;
GRANT USAGE ON SCHEMA leadline TO leadline;
GRANT EXECUTE ON FUNCTION leadline.server_log(text, integer) TO leadline;

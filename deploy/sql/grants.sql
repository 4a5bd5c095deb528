-- The role of the agent: it may read all statistics and settings, change nothing, and read no table.
--
-- For PostgreSQL 13 and later. Run it once as a superuser on each primary; standbys get the role by replication, and a
-- logical subscriber is a primary of its own. Then set a password with \password leadline, or use certificate or peer
-- authentication. Add an entry to pg_hba.conf of every server:
--
--     hostssl  all  leadline  <address of the agent>/32  scram-sha-256

CREATE ROLE leadline LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    -- The agent needs one connection, and another for a moment; so does each leadline check or watch that somebody runs.
    CONNECTION LIMIT 5;

-- pg_monitor allows the columns of pg_stat_replication, pg_stat_wal_receiver and pg_stat_activity, settings such as
-- primary_conninfo, and the listing of the WAL directory. A role without it reads NULL, without an error; the agent
-- names the groups that it may not read in `not_permitted`. The membership must be inherited, hence INHERIT above.
GRANT pg_monitor TO leadline;

-- The agent sets these in its own session. They are here for any other use of the role. Not
-- default_transaction_read_only, which the agent sets too: set for the role, it would hide that the server has it.
ALTER ROLE leadline SET statement_timeout = '3s';
ALTER ROLE leadline SET lock_timeout = '1s';
ALTER ROLE leadline SET idle_in_transaction_session_timeout = '10s';

-- Tables of subscriptions that are not ready are visible only in the database that the agent is connected to. On a
-- subscriber set the dsn of the agent to that database. Every role has CONNECT by default; where it was revoked:
--
--     GRANT CONNECT ON DATABASE app TO leadline;

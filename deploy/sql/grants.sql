-- The role that the agent logs in as: it may look at everything, change nothing, and read no table.
--
-- PostgreSQL 13 and later. Run it once as a superuser on each primary; standbys get the role by replication, a logical
-- subscriber is a primary of its own. Then give it a password with \password leadline, or let it in by certificate or
-- peer, in pg_hba.conf of every server:
--
--     hostssl  all  leadline  <address of the agent>/32  scram-sha-256

CREATE ROLE leadline LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    -- The agent needs one, and leadline check, audit or watch by hand one each.
    CONNECTION LIMIT 5;

-- The columns of pg_stat_replication, pg_stat_wal_receiver and pg_stat_activity, settings such as primary_conninfo, and
-- the listing of the log's directory. To a role without it they are NULL, without an error, and NULL looks like health:
-- the agent names the groups that it may not read in `not_permitted`. It must be inherited, hence INHERIT above.
GRANT pg_monitor TO leadline;

-- The agent sets these for its own session. They are here for whoever else logs in as it.
ALTER ROLE leadline SET default_transaction_read_only = on;
ALTER ROLE leadline SET statement_timeout = '3s';
ALTER ROLE leadline SET lock_timeout = '1s';
ALTER ROLE leadline SET idle_in_transaction_session_timeout = '10s';

-- Tables of subscriptions that are not ready are known only in the database the agent is connected to. On a subscriber
-- give the agent a dsn with that database. CONNECT is everybody's by default; where it was revoked:
--
--     GRANT CONNECT ON DATABASE app TO leadline;

-- The role of `leadline verify`: it may read tables, and change nothing. It is another role than the agent's, which may
-- read no table.
--
-- For PostgreSQL 14 and later. Run it once as a superuser on each primary; standbys get the role by replication, and a
-- logical subscriber is a primary of its own. Then set a password with \password leadline_verify, or use certificate or
-- peer authentication. Add an entry to pg_hba.conf of both servers:
--
--     hostssl  app  leadline_verify  <address of the verifier>/32  scram-sha-256

CREATE ROLE leadline_verify LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION
    CONNECTION LIMIT 4;

-- Every table of every database. To admit some tables only, leave this out and run, in each database:
--
--     GRANT USAGE ON SCHEMA sales TO leadline_verify;
--     GRANT SELECT ON sales.orders, sales.customers TO leadline_verify;
--
-- PostgreSQL 13 has no pg_read_all_data; there, grant SELECT as above. A table that the role may not read is reported as
-- not compared.
GRANT pg_read_all_data TO leadline_verify;

-- Rows that a policy of row-level security hides from the role would count as missing, so such a table is refused. This
-- lets the role read them:
--
--     ALTER ROLE leadline_verify BYPASSRLS;

-- To wait while a server is busy (--max-active), and to name the transaction for which a row is undecided:
--
--     GRANT pg_read_all_stats TO leadline_verify;

-- To check the pages of standbys (--amcheck), in each database; a standby gets both by replication:
--
--     CREATE EXTENSION amcheck;
--     GRANT EXECUTE ON FUNCTION bt_index_check(regclass, boolean) TO leadline_verify;
--     GRANT EXECUTE ON FUNCTION bt_index_check(regclass, boolean, boolean) TO leadline_verify; -- since version 17
--     GRANT EXECUTE ON FUNCTION gin_index_check(regclass) TO leadline_verify; -- since version 18
--     GRANT EXECUTE ON FUNCTION verify_heapam(regclass, boolean, boolean, text, bigint, bigint)
--         TO leadline_verify; -- since version 14

-- Nothing else is needed: pg_logical_emit_message(), which marks a position in WAL, is open to every role by default.
ALTER ROLE leadline_verify SET default_transaction_read_only = on;
ALTER ROLE leadline_verify SET lock_timeout = '2s';
ALTER ROLE leadline_verify SET idle_in_transaction_session_timeout = '10s';

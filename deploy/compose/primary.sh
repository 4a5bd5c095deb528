#!/bin/bash
# Run once by the PostgreSQL image on a new data directory: creates roles, and a slot for the standby.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=agent="$AGENT_PASSWORD" --set=replicator="$REPLICATOR_PASSWORD" --set=verify="$VERIFY_PASSWORD" <<'SQL'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replicator';
SELECT pg_create_physical_replication_slot('pg_2', true);
\i /grants.sql
ALTER ROLE leadline PASSWORD :'agent';
\i /verify.sql
ALTER ROLE leadline_verify PASSWORD :'verify';
SQL
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"

#!/bin/bash
# A standby of pg-1: a base backup at the first start, then PostgreSQL as the image starts it.
set -euo pipefail
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    install -d -m 0700 -o postgres -g postgres "$PGDATA"
    until gosu postgres pg_basebackup --pgdata "$PGDATA" --write-recovery-conf --slot pg_2 --checkpoint fast \
        --dbname "host=pg-1 user=replicator password=$REPLICATOR_PASSWORD application_name=pg-2"; do
        sleep 1
    done
fi
exec docker-entrypoint.sh postgres

"""Records the answers of servers of every version, for the unit tests.

Run it with ``python -m tests.integration.agents.record_documents``. Replay on the standby and apply on the subscriber
wait for a session, so that every group has a row.
"""

import json
from pathlib import Path

import psycopg

from leadline_agents.engines.postgresql.catalog import statement
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.postgres_versions import MAJORS, binaries_for

FOLDER = Path(__file__).parents[2] / "unit" / "agents" / "postgresql" / "documents"
ITEMS = "CREATE TABLE items (id int PRIMARY KEY, note text)"
READ = "SELECT * FROM items WHERE note <> 'a secret'"
OLD = "SELECT count(*) FROM pg_stat_activity WHERE xact_start < clock_timestamp() - interval '1.5 s'"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND backend_type <> 'client backend'"


def main() -> None:
    """Write one file per version, role and query."""
    FOLDER.mkdir(exist_ok=True)
    for major in MAJORS:
        with Fleet(binaries_for(major)) as fleet:
            record(fleet, major)


def record(fleet: Fleet, major: int) -> None:
    primary = fleet.primary("pg-1", {"archive_mode": "on", "archive_command": "test -d /tmp && false"})
    primary.query("CREATE DATABASE app")
    primary.query(ITEMS, dbname="app")
    standby = fleet.standby("pg-2", primary)
    subscriber = fleet.subscriber("pg-3", primary, schema=ITEMS)
    primary.query("INSERT INTO items VALUES (1, 'x')", dbname="app")
    fleet.wait_caught_up()
    with hold(standby), hold(subscriber), hold(primary) as writing:
        writing.rollback()
        writing.execute("SELECT pg_current_xact_id(), 'a secret'")
        primary.query("TRUNCATE items", dbname="app")
        eventually("replay waits", lambda: bool(standby.value(WAITS)))
        eventually("apply waits", lambda: bool(subscriber.value(WAITS)))
        eventually("the sessions are old", lambda: bool(standby.value(OLD)))
        write(primary, "look", f"{major}-primary")
        write(standby, "look", f"{major}-standby")
        write(subscriber, "look", f"{major}-subscriber")
        write(standby, "settings", f"{major}-settings")


def hold(server: Server) -> psycopg.Connection:
    """A session that has read the table and keeps its lock."""
    connection = psycopg.connect(server.dsn("app", application_name="shop"))
    connection.execute(READ.encode())
    return connection


def write(server: Server, query: str, name: str) -> None:
    with psycopg.connect(server.dsn("app", AGENT), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'; SET search_path = pg_catalog")
        row = connection.execute(statement(query, connection.info.server_version)).fetchone()
    assert row is not None
    text = row[0].replace(f"password={server._password}", "password='a secret'")
    (FOLDER / f"{name}.json").write_text(json.dumps(json.loads(text), indent=1) + "\n")


if __name__ == "__main__":
    main()

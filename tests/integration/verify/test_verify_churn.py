"""A table of locks or sessions: the same keys come and go all the time."""

import threading

import psycopg

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from tests.fixtures.commands import Run
from tests.fixtures.verified import admit, verifier, verify

TABLES = """
    CREATE TABLE held (id int PRIMARY KEY, owner int);
    CREATE TABLE queue (item int);
    ALTER TABLE queue REPLICA IDENTITY FULL;
"""


def test_keys_that_come_and_go_are_not_extra(run: Run) -> None:
    """On a standby and a subscriber, with a key and without one; nothing is called different."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1", {"wal_level": "logical"})
        admit(primary)
        primary.query("CREATE DATABASE app")
        primary.query(TABLES, dbname="app")
        standby = fleet.standby("pg-2", primary)
        subscriber = fleet.subscriber("pg-3", primary, schema=TABLES)
        primary.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        admit(subscriber)
        fleet.wait_caught_up(60)
        stop = threading.Event()

        def churn(first: int) -> None:
            with psycopg.connect(primary.dsn("app"), autocommit=True) as connection:
                while not stop.is_set():
                    for key in range(first, 40, 2):
                        connection.execute("INSERT INTO held VALUES (%s, 1)", [key])
                        connection.execute("INSERT INTO queue VALUES (%s)", [key])
                        connection.execute("DELETE FROM queue WHERE item = %s", [key])
                        connection.execute("DELETE FROM held WHERE id = %s", [key])

        threads = [threading.Thread(target=churn, args=[first]) for first in (0, 1)]
        for thread in threads:
            thread.start()
        differed = 0
        try:
            for _ in range(12):
                for down in (standby, subscriber):
                    found = verify(run, verifier(primary), verifier(down))
                    assert found.rows == [], found.result
                    assert set(found.states.values()) <= {"equal", "undecided"}
                    differed += sum(table.get("chunks_differed_at_first", 0) for table in found.tables.values())
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert differed > 0
        fleet.wait_caught_up(60)
        for down in (standby, subscriber):
            assert set(verify(run, verifier(primary), verifier(down)).states.values()) == {"equal"}

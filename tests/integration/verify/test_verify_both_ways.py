"""Two servers that subscribe to each other: each has rows first that the other one is yet to get."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.verified import admit, verifier, verify

TABLE = "CREATE TABLE items (id int PRIMARY KEY, n int, t text)"
APPLIED = "SELECT 1 FROM pg_subscription_rel WHERE srsubstate <> 'r'"


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Server, Server]]:
    """Each writes its own rows, as ``origin = none`` is meant to be used."""
    with Fleet() as fleet:
        servers = [fleet.primary(name, {"wal_level": "logical"}) for name in ("pg-1", "pg-2")]
        for server in servers:
            admit(server)
            server.query("CREATE DATABASE app")
            server.query(TABLE, dbname="app")
            server.query("CREATE PUBLICATION items FOR TABLE items", dbname="app")
            server.query(f"GRANT SELECT ON items TO {REPLICATOR}", dbname="app")
        servers[0].query("INSERT INTO items SELECT g, 0, 'x' FROM generate_series(1, 4000) g", dbname="app")
        for down, up, copy in ((1, 0, "true"), (0, 1, "false")):
            servers[down].query(
                f"CREATE SUBSCRIPTION of_{up} CONNECTION '{servers[up].dsn('app', REPLICATOR)}' PUBLICATION items "
                f"WITH (origin = none, copy_data = {copy})",
                dbname="app",
            )
            eventually("the tables are copied", lambda at=down: not servers[at].query(APPLIED, dbname="app"), 60)  # type: ignore[misc]
        yield servers[0], servers[1]


@contextmanager
def writing(servers: tuple[Server, Server]) -> Iterator[None]:
    """Each server changes, adds and removes rows of its own."""
    stop = threading.Event()

    def write(at: int, dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            turn = at
            while not stop.is_set():
                turn += 2
                row = turn % 4000
                connection.execute("UPDATE items SET n = n + 1 WHERE id = %s", [row])
                connection.execute("INSERT INTO items VALUES (%s, 0, 'new')", [10_000 + turn])
                connection.execute("DELETE FROM items WHERE id = %s", [10_000 + turn - 40])

    threads = [threading.Thread(target=write, args=(at, server.dsn("app"))) for at, server in enumerate(servers)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_rows_that_are_on_their_way_are_not_extra(run: Run, both: tuple[Server, Server], tmp_path: Path) -> None:
    """In both directions; and a change that no subscription carries is found, and neither side is called right."""
    transient = 0
    repair = tmp_path / "repair.sql"
    with writing(both):
        for _ in range(2):
            for up, down in (both, both[::-1]):
                found = verify(run, verifier(up), verifier(down), "--chunk", 200, "--max-lag", 30)
                assert (found.rows, found.states, found.result.code) == ([], {"items": "equal"}, 0), found.result
                transient += found.tables["public.items"].get("chunks_differed_at_first", 0)
        with psycopg.connect(both[1].dsn("app"), autocommit=True) as connection:
            connection.execute("SELECT pg_replication_origin_create('elsewhere')")
            connection.execute("SELECT pg_replication_origin_session_setup('elsewhere')")
            connection.execute("UPDATE items SET t = 'y' WHERE id = 4000")
            connection.execute("INSERT INTO items VALUES (-3, 0, 'y')")
        found = verify(run, verifier(both[0]), verifier(both[1]), "--max-lag", 30, "--repair-sql", repair)
    assert transient > 0
    assert {(key, kind) for _, key, kind, _ in found.found} == {("4000", "changed"), ("-3", "extra")}
    assert "a row may be right on either side" in repair.read_text()
    assert all(line.startswith("--") for line in repair.read_text().splitlines())


def test_a_row_that_cannot_come_back_is_undecided(run: Run, both: tuple[Server, Server]) -> None:
    """The upstream's own subscription is disabled: it lacks what the downstream's users wrote, and will get it."""
    up, down = both
    up.query("ALTER SUBSCRIPTION of_1 DISABLE", dbname="app")
    down.query("INSERT INTO items VALUES (-5, 0, 'on its way')", dbname="app")
    try:
        found = verify(run, verifier(up), verifier(down), "--max-lag", 1)
    finally:
        up.query("ALTER SUBSCRIPTION of_1 ENABLE", dbname="app")
    assert "-5" not in {key for _, key, _, _ in found.found}
    reasons = {part["reason"] for part in found.tables["public.items"]["undecided"]}
    assert reasons == {"the other way: the apply worker of subscription of_1 does not run"}

"""WAL or a page of a table is damaged, and text is sorted otherwise than it was."""

from contextlib import suppress

import psycopg

from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair, make_pair_with_server_logs
from leadline_lab.sandbox.postgres import Server

FILL = "INSERT INTO filler SELECT generate_series(1, 20000)"
SEGMENT_BYTES = 1 << 20
"""Of the sandbox."""
PAGE_BYTES = 8192


@fault(
    make_pair_with_server_logs,
    Expected(rule="replication_cut_off", cause="wal_corrupt", within_s=40.0),
    own_servers=True,
)
def wal_corrupt(pair: Pair) -> Course:
    """A WAL file of the primary was damaged while the standby was away: the standby asks for it again and again."""
    pair.primary.query("CREATE TABLE filler (n int)")
    pair.fleet.wait_caught_up()
    place = str(pair.standby.value("SELECT pg_last_wal_replay_lsn()::text"))
    yield Prepared()
    pair.standby.stop()
    for _ in range(4):
        pair.primary.query(FILL)
    pair.primary.restart()
    damage(pair.primary, place)
    yield Broken()
    pair.standby.start()
    yield Injected()


@fault(make_pair, Expected(rule="page_damage", cause="page_damaged", within_s=30.0), own_servers=True, since=18)
def page_damaged(pair: Pair) -> Course:
    """The storage of the primary changed a page of a table, and a query reads it."""
    pair.primary.execute("CREATE TABLE ledger AS SELECT n, repeat('x', 100) AS note FROM generate_series(1, 1000) AS n")
    pair.fleet.wait_caught_up()
    yield Prepared()
    damage_page(pair.primary, "ledger")
    yield Injected(summary=("database postgres",))


@fault(
    make_pair,
    Expected(rule="collation_changed", cause="collation_library_changed", summary=("database sorted",), within_s=40.0),
    since=17,
)
def collation_library_changed(pair: Pair) -> Course:
    """The library that sorts text is another version than the one with which a database was created."""
    primary = pair.primary
    primary.execute(
        "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    )
    pair.fleet.wait_caught_up()
    yield Prepared()
    primary.execute("UPDATE pg_database SET datcollversion = '0' WHERE datname = 'sorted'")
    yield Injected()
    primary.execute("ALTER DATABASE sorted REFRESH COLLATION VERSION")
    yield Healed()
    primary.execute("DROP DATABASE sorted")


def damage_page(server: Server, table: str) -> None:
    """Append a page to the file of a table that the server did not write, and read the table."""
    server.report(f"append a damaged page to the file of table {table}, and read the table")
    with (server.data / str(server.value("SELECT pg_relation_filepath(%s)", [table]))).open("ab") as file:
        file.write(b"\xa5" * PAGE_BYTES)
    with suppress(psycopg.DataError, psycopg.InternalError):
        server.query(f"SELECT count(*) FROM {table}")


def damage(server: Server, place: str) -> None:
    """Overwrite WAL a little after a position, in the file alone."""
    server.report(f"overwrite a part of the WAL after {place}")
    high, low = (int(part, 16) for part in place.split("/"))
    at = low + 64 * 1024
    name = f"{1:08X}{high:08X}{at // SEGMENT_BYTES:08X}"
    with (server.data / "pg_wal" / name).open("r+b") as segment:
        segment.seek(at % SEGMENT_BYTES)
        segment.write(b"\xa5" * 512)

"""Queries on a standby that replay cancels, by each kind of conflict, with hot_standby_feedback off."""

import threading
from collections.abc import Callable

import psycopg
import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

TIMES = 5
SETTINGS = {
    "max_prepared_transactions": "5",
    "allow_in_place_tablespaces": "on",
    "autovacuum": "off",
    "wal_keep_size": "64MB",
}
SOON = {"max_standby_streaming_delay": "50ms"}
NEVER = {"max_standby_streaming_delay": "-1", "deadlock_timeout": "10ms"}


def replayed(primary: Server, standby: Server) -> None:
    """Wait until all is replayed, also what VACUUM wrote and left unflushed."""
    primary.query("SELECT pg_switch_wal()")
    end = primary.value("SELECT pg_current_wal_flush_lsn()::text")
    done = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    eventually("it is replayed", lambda: bool(standby.value(done, [end])))


def rolled_back(primary: Server, table: str) -> None:
    """Rows that VACUUM removes and no snapshot needs."""
    with psycopg.connect(primary.dsn()) as session:
        session.execute(f"INSERT INTO {table} SELECT g FROM generate_series(1, 200) AS g".encode())
        session.rollback()


def pinned(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """A new table d whose page VACUUM has to clean, and a cursor of the session on that page."""
    primary.execute("DROP TABLE IF EXISTS d", "CREATE TABLE d (a int)", "INSERT INTO d VALUES (1)")
    rolled_back(primary, "d")
    primary.query("INSERT INTO d VALUES (1)")
    replayed(primary, standby)
    session.execute("DECLARE c CURSOR FOR SELECT a FROM d")
    session.execute("FETCH c").fetchall()


def lock(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """An exclusive lock on a table that the session has read."""
    session.execute("SELECT a FROM t LIMIT 1")
    primary.query("BEGIN; LOCK t; COMMIT")


def snapshot(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """Rows are removed that the session's snapshot may see."""
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    session.execute("SELECT a FROM t LIMIT 1")
    primary.query("CREATE TABLE IF NOT EXISTS u AS SELECT g AS a FROM generate_series(1, 1000) AS g")
    primary.execute("UPDATE u SET a = a + 1", "VACUUM u")


def bufferpin(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """The session holds the page that replay has to clean."""
    pinned(primary, standby, session)
    primary.query("VACUUM FREEZE d")


def tablespace(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """A tablespace is dropped in which the session has temporary files."""
    primary.query("CREATE TABLESPACE ts LOCATION ''")
    replayed(primary, standby)
    session.execute("SET work_mem = '64kB'")
    session.execute("SET temp_tablespaces = 'ts'")
    session.execute("DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 200000) AS g")
    session.execute("FETCH c").fetchall()
    primary.query("DROP TABLESPACE ts")


def deadlock(primary: Server, standby: Server, session: psycopg.Connection) -> None:
    """The session holds the page, and waits for a lock that replay holds."""
    with psycopg.connect(primary.dsn(), autocommit=True) as preparing:
        for statement in ("BEGIN", "LOCK TABLE t", "PREPARE TRANSACTION 'locked'"):
            preparing.execute(statement.encode())
    pinned(primary, standby, session)

    def read() -> None:
        with pytest.raises(psycopg.Error, match="conflict with recovery"):
            session.execute("SELECT a FROM t")

    reading = threading.Thread(target=read)
    reading.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    eventually("it waits", lambda: bool(standby.value(waits)))
    primary.query("VACUUM FREEZE d")
    reading.join()
    primary.query("ROLLBACK PREPARED 'locked'")


@pytest.mark.situation(
    160,
    "Replay cancels queries, by each kind of conflict",
    "reactive-tech/kubegres#86",
    "zalando/postgres-operator#1039",
    "EnterpriseDB/repmgr#318",
)
@pytest.mark.parametrize(
    ("conflict", "settings", "step"),
    [
        (lock, SOON, "vacuum_truncate = off"),
        (snapshot, SOON, "ALTER SYSTEM SET hot_standby_feedback = on"),
        (bufferpin, SOON, "Raise max_standby_streaming_delay"),
        (tablespace, SOON, "out of temp_tablespaces"),
        (deadlock, NEVER, "max_standby_streaming_delay does not prevent deadlocks with replay"),
    ],
)
def test_replay_cancels_queries(
    wild: Wild, conflict: Callable[[Server, Server, psycopg.Connection], None], settings: dict[str, str], step: str
) -> None:
    """The kind is named, and the step is one that prevents it."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", SETTINGS)
        standby = fleet.standby("pg-2", primary, settings={**SETTINGS, **settings})
        primary.query("CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 1000) AS g")
        replayed(primary, standby)
        with watched((primary, standby), settled=True) as seen:
            wild.begins()
            for _ in range(TIMES):
                session = psycopg.connect(standby.dsn())
                conflict(primary, standby, session)
                replayed(primary, standby)
                session.close()
            seen.fires("recovery_conflict")
            cause = seen.names("recovery_conflict_cancels")
            wild.answers(cause.summary)
            kind = conflict.__name__
            assert f"replay on {address(standby)} cancelled queries: {TIMES} by {kind};" in cause.summary
            assert step in cause.fix
            assert not seen.incidents(), "it is a notice"

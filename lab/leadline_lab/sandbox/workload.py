"""Load on a server: pgbench, a writer, an open transaction, WAL."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from leadline.errors import UnreachableError
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually

A_DAY_S = 86400
WRITE_MESSAGE = "SELECT pg_logical_emit_message(true, 'leadline', repeat('x', %s))"
"""A transaction that writes this many bytes of WAL and changes nothing."""
SEGMENT_BYTES = 900_000
"""Nearly all of a WAL segment of the sandbox, which has 1 MB."""
END_S = 15.0
"""A writer gets this long to finish its last statement."""


@contextmanager
def pgbench(
    server: Server, *, dbname: str = "postgres", scale: int = 1, clients: int = 2, rate: float | None = None
) -> Iterator[None]:
    """Run pgbench's transactions inside the block, ``rate`` per second or as many as possible.

    Its tables are created first where they are missing.
    """
    if server.value("SELECT to_regclass('pgbench_history') IS NULL", dbname=dbname):
        server.run("pgbench", "--initialize", "--quiet", f"--scale={scale}", server.address(dbname))
    server.report("pgbench starts" if rate is None else f"pgbench starts, {rate:g} transactions per second")
    options = [f"--client={clients}", f"--time={A_DAY_S}", *([f"--rate={rate}"] if rate else [])]
    process = server.launch("pgbench", "--no-vacuum", *options, server.address(dbname), farewell=signal.SIGTERM)
    assert process.stdin is not None
    try:
        sessions = "SELECT count(*) = %s FROM pg_stat_activity WHERE application_name = 'pgbench'"
        eventually("pgbench is connected", lambda: bool(server.value(sessions, [clients])))
        yield
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def writing(
    server: Server,
    *,
    every_s: float = 0.2,
    dbname: str = "postgres",
    statement: str = WRITE_MESSAGE,
    size: int = 30_000,
) -> Iterator[None]:
    """Run ``statement`` with the parameter ``size`` inside the block, with a pause of ``every_s`` between two runs.

    Each run is a session and a transaction of its own, as of a quiet application. The first error ends the writer and
    is raised at the end of the block, unless the block raises itself.
    """
    ended = threading.Event()
    failures: list[Exception] = []

    def write() -> None:
        while not ended.is_set():
            try:
                server.query(statement, [size], dbname)
            except (psycopg.Error, UnreachableError) as error:
                failures.append(error)
                return
            ended.wait(every_s)

    writer = threading.Thread(target=write, name=f"write-{server.name}", daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join(END_S)
    if failures:
        raise failures[0]


@contextmanager
def reading(server: Server, table: str, application: str = "monthly report") -> Iterator[int]:
    """Read a table in a transaction that stays open inside the block, with its snapshot and its lock; its pid."""
    statement = f"SELECT count(*) FROM {table}"
    server.report(f"BEGIN; {statement}; and no COMMIT", application)
    session = psycopg.connect(server.dsn(application_name=application))
    try:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(statement.encode())
        yield session.info.backend_pid
    finally:
        session.close()


def write_wal(server: Server, segments: int) -> None:
    """Fill this many WAL segments of 1 MB and switch to the next one."""
    server.report(f"{segments} WAL segments are written")
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        for _ in range(segments):
            session.execute(WRITE_MESSAGE.encode(), [SEGMENT_BYTES])
            session.execute("SELECT pg_switch_wal()")

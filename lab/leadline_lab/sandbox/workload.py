"""pgbench in the background."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually

A_DAY = 86400


@contextmanager
def pgbench(
    server: Server, *, dbname: str = "postgres", scale: int = 1, clients: int = 2, rate: float | None = None
) -> Iterator[None]:
    """Run pgbench's transactions inside the block, ``rate`` a second or as many as go; its tables are made first."""
    if server.value("SELECT to_regclass('pgbench_history') IS NULL", dbname=dbname):
        server.run("pgbench", "--initialize", "--quiet", f"--scale={scale}", server.address(dbname))
    options = [f"--client={clients}", f"--time={A_DAY}", *([f"--rate={rate}"] if rate else [])]
    process = server.launch("pgbench", "--no-vacuum", *options, server.address(dbname), farewell=signal.SIGTERM)
    assert process.stdin is not None
    try:
        sessions = "SELECT count(*) = %s FROM pg_stat_activity WHERE application_name = 'pgbench'"
        eventually("pgbench is connected", lambda: bool(server.value(sessions, [clients])))
        yield
    finally:
        process.stdin.close()
        process.wait()

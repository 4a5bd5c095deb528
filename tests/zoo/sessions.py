"""What faults are made of: sessions that stand in the way, log, and processes without a processor."""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from leadline_lab.sandbox import guard
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually

PROCESS = "SELECT pid FROM pg_stat_activity WHERE backend_type = %s"


@contextmanager
def reading(server: Server, table: str) -> Iterator[int]:
    """A transaction that has read a table and stays open, with its snapshot and its lock; its pid."""
    session = psycopg.connect(server.dsn())
    try:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute(f"SELECT count(*) FROM {table}")
        yield session.info.backend_pid
    finally:
        session.close()


def write_log(server: Server, segments: int) -> None:
    """Fill and leave this many segments of 1 MB."""
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        for _ in range(segments):
            session.execute("SELECT pg_logical_emit_message(true, 'zoo', repeat('x', 900000))")
            session.execute("SELECT pg_switch_wal()")


PERIOD_S = 0.1
"""As that of Linux's quotas, cpu.max."""


@contextmanager
def starved(server: Server, process: str, share: float) -> Iterator[None]:
    """One of a server's processes gets this share of a processor, as in a container with a quota that is too small."""
    pid = server.value(PROCESS, [process])
    ended = threading.Event()

    def turn() -> None:
        while not ended.is_set():
            os.kill(pid, signal.SIGSTOP)
            ended.wait(PERIOD_S * (1 - share))
            os.kill(pid, signal.SIGCONT)
            ended.wait(PERIOD_S * share)

    turns = threading.Thread(target=turn, name=f"starve-{pid}", daemon=True)
    turns.start()
    try:
        yield
    finally:
        ended.set()
        turns.join()


@contextmanager
def receiving(server: Server, slot: str) -> Iterator[list[int]]:
    """Somebody's pg_receivewal holds a slot; its pids."""
    with tempfile.TemporaryDirectory(dir=server.data.parent) as folder:
        give(Path(folder))
        receiver = server.launch(
            *("pg_receivewal", "--slot", slot, "--directory", folder, "--dbname", server.address()),
            farewell=signal.SIGTERM,
        )
        assert receiver.stdin is not None
        try:
            active = "SELECT active FROM pg_replication_slots WHERE slot_name = %s"
            eventually(f"pg_receivewal holds {slot}", lambda: bool(server.value(active, [slot])))
            yield guard.descendants(receiver.pid)
        finally:
            receiver.stdin.close()
            receiver.wait()

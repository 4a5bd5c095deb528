"""Sessions that stand in the way."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from leadline.sandbox.postgres import Server


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

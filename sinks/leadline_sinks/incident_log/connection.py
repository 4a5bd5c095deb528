"""One connection to the incident log, with limits on how long anything may take."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

from leadline.settings.dsn import parts

CONNECT_S: Final = 5
STATEMENT_S: Final = 10
LOCK_S: Final = 5
"""Writers wait for each other at the head of the chain, for as long as one transaction takes."""
ANSWER_S: Final = 15.0
"""For a whole transaction; a server that hangs does not end a statement."""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

# These override the dsn. The last three detect within seconds a peer that vanished without closing the connection.
_OPTIONS: Final[dict[str, Any]] = {
    "application_name": "leadline incident log",
    "client_encoding": "utf8",
    "connect_timeout": CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "tcp_user_timeout": 10_000,
}
# For one transaction, so that they hold behind a connection pooler too. search_path: no table, function or operator of
# the same name in another schema is used. datestyle: psycopg reads no other form of a time, and a server, database or
# role may have another (psycopg/psycopg issues 571 and 1007).
_LIMITS: Final = f"""
    SET LOCAL search_path = pg_catalog; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO';
    SET LOCAL statement_timeout = '{STATEMENT_S}s'; SET LOCAL lock_timeout = '{LOCK_S}s';
    SET LOCAL idle_in_transaction_session_timeout = '30s'
"""


async def connect(dsn: str) -> Connection:
    """Open a connection. Raises psycopg.Error or OSError; UsageError, without quoting it, when ``dsn`` is malformed."""
    parts(dsn)  # libpq would quote pieces of it, which may be of the password
    # No prepared statements: behind a pooler the next transaction may be on another connection.
    return await psycopg.AsyncConnection.connect(dsn, autocommit=True, prepare_threshold=None, **_OPTIONS)


@asynccontextmanager
async def transaction(connection: Connection, *, read_only: bool = False, limited: bool = True) -> AsyncGenerator[None]:
    """One transaction, all or nothing; everything read in a ``read_only`` one is of one snapshot.

    Raises TimeoutError when a ``limited`` one takes longer than ``ANSWER_S``. After that, and after any error of
    psycopg, the connection may be unusable.
    """
    async with asyncio.timeout(ANSWER_S if limited else None), connection.transaction():
        mode = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;" if read_only else ""
        await connection.execute(f"{mode}{_LIMITS}".encode())
        yield

"""Connection poolers, recognized before anything that could outlive a look is sent to one.

A plain connection comes first, without any setting: some poolers give a server session that was opened with a client's
settings to others later (ProxySQL), or send each statement to another server (Pgpool-II). Most promise a process id of
their own (PgBouncer, PgCat, Odyssey, ProxySQL, Supavisor), or that of another server. Pgpool-II before one server
promises the right one, and shows itself by a connection that is not the client's own and by a command that only it
has. To a server behind a proxy that passes bytes on, that command is an error: it is sent once per dsn and process.
"""

import asyncio
import socket
from typing import Any, Final

import psycopg

from leadline_agents.engines.postgresql import connect_errors
from leadline_agents.engines.postgresql.connection import Connection

MOST_PID: Final = 1 << 22
"""Linux has no process ids above (PID_MAX_LIMIT in threads.h), other systems lower or similar limits. PgBouncer gives
any number of 32 bits."""
TIMES: Final = 3
"""The process is asked for so often: a statement that is sent to one of several servers may reach the right one."""
_WHO: Final = """
    SELECT pg_catalog.pg_backend_pid(), pg_catalog.inet_client_port(),
        pg_catalog.current_setting('neon.timeline_id', true)
"""
_PGPOOL: Final = "SHOW pool_version"
_not_pgpool: Final = set[str]()
"""Dsns that led to no Pgpool-II."""


async def refuse_pooler(dsn: str, connect_timeout_s: int, answer_timeout_s: float, **connection: Any) -> None:
    """Raises CannotRead for a pooler, psycopg's errors for a connection that fails, TimeoutError for no answer."""
    session = await Connection.connect(dsn, autocommit=True, connect_timeout=connect_timeout_s, **connection)
    try:
        async with asyncio.timeout(answer_timeout_s):
            await _refuse(session, dsn)
    finally:
        await session.close()


async def _refuse(session: Connection, dsn: str) -> None:
    promised = session.info.backend_pid
    if not 0 < promised < MOST_PID:
        raise connect_errors.pooler("no server has such a process id")
    port = None
    for _ in range(TIMES):
        row = await (await session.execute(_WHO)).fetchone()
        assert row is not None
        pid, port, neon = row
        if pid != promised and not neon:  # Neon's own proxy promises another, and shares no session
            raise connect_errors.pooler("the session is of another process than the one that was promised")
    if port is not None and port != _own_port(session) and dsn not in _not_pgpool:
        try:
            await session.execute(_PGPOOL)
        except psycopg.Error:
            _not_pgpool.add(dsn)
        else:
            raise connect_errors.pooler("Pgpool-II answers")


def _own_port(session: Connection) -> int | None:
    """The local port of a connection; None for one through a Unix socket."""
    with socket.socket(fileno=socket.dup(session.fileno())) as own:
        name = own.getsockname()
    return name[1] if isinstance(name, tuple) else None

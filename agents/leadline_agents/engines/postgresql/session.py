"""A session of the agent's own on a server: bounded, read-only, and never one that a pooler shares with others.

A pooler that shows itself as one is refused before: ``poolers``. The settings of the session go into the startup
packet, so no statement changes anything that outlives it; PgBouncer and RDS Proxy refuse the packet, others leave the
settings out. One of them is a mark that the session has only when the server made it for this connection. Without the
mark the session may be another client's before and after, so nothing more is asked. The statement that reads the mark
changes nothing.
"""

import asyncio
import os
import secrets
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from leadline.model.observation import SettingValue
from leadline.settings.dsn import parts, resolved
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import connect_errors
from leadline_agents.engines.postgresql.catalog import OLDEST, SERVICE, SESSION, statement
from leadline_agents.engines.postgresql.connection import Connection
from leadline_agents.engines.postgresql.poolers import refuse_pooler
from leadline_agents.engines.postgresql.rights import Rights, read_rights, read_service

# These override the dsn. Two are left to the options, because a pooler would set them on a session that it shares. The
# last three detect within seconds a peer that vanished without closing the connection.
_CONNECTION: dict[str, Any] = {
    "application_name": "",
    "client_encoding": "",
    "target_session_attrs": "any",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "tcp_user_timeout": 10_000,
}
READ_ONLY: Final = "default_transaction_read_only"
_SETTINGS = {
    "client_encoding": "UTF8",
    # No function of the same name in another schema is called.
    "search_path": "pg_catalog",
    "timezone": "UTC",
    # Compiling costs more than the query.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    READ_ONLY: "on",
}
MARK = "leadline.session"
_READ_ONLY: Final = f"SELECT setting, source FROM pg_catalog.pg_settings WHERE name = '{READ_ONLY}'"
_OWN: Final = frozenset({"user", "database", "database user", "client", "session"})
"""Sources of a value that only some sessions have."""
PING_S = 2
SETTINGS_VIEW = "pg_settings"


async def open_session(
    dsn: str, *, application_name: str, connect_timeout_s: float, statement_timeout_s: float
) -> tuple[Connection, Rights]:
    """Connect, and find out what the server has and allows.

    Raises CannotRead for a pooler, for a version that is too old, and with the reason of any other failure; UsageError,
    without quoting it, when ``dsn`` is malformed.
    """
    given = resolved(dsn)  # libpq would quote pieces of a malformed one, which may be of the password
    mark = secrets.token_hex(8)
    ms = round(statement_timeout_s * 1000)
    named = {"application_name": application_name.replace(" ", "\\ ")}
    limits = {"statement_timeout": str(ms), "lock_timeout": str(max(1, ms // 2)), MARK: mark}
    connect_s = max(2, round(connect_timeout_s))
    try:
        await refuse_pooler(dsn, connect_s, statement_timeout_s, **_CONNECTION)
        connection = await Connection.connect(
            dsn,
            autocommit=True,
            connect_timeout=connect_s,
            options=_options(given, _SETTINGS | named | limits),
            **_CONNECTION,
        )
        try:
            if connection.info.server_version < OLDEST * 10000:
                raise CannotRead(connect_errors.too_old(connection.info.server_version), lasting=True)
            return connection, await ask_rights(connection, mark)
        except BaseException:
            await connection.close()
            raise
    except TimeoutError:
        raise CannotRead(connect_errors.no_answer(statement_timeout_s)) from None
    except (psycopg.Error, OSError) as error:
        raise connect_errors.cannot_read(error, dsn) from None


async def accepts_nobody(dsn: str) -> bool:
    """Whether a server accepts no connection, because it shuts down or starts.

    ``PQping`` would answer the same, but psycopg keeps the interpreter's lock while it waits, which would hold up the
    looks at all other servers. As there, no password is given.
    """
    given = {name: value for name, value in parts(dsn).items() if name not in ("password", "passfile")}
    conninfo = make_conninfo("", **given | {"connect_timeout": str(PING_S), "application_name": "leadline"})
    try:
        async with asyncio.timeout(PING_S):
            connection = await Connection.connect(conninfo)
    except psycopg.errors.CannotConnectNow:
        return True
    except (psycopg.Error, OSError, TimeoutError):
        return False
    await connection.close()
    return False


async def overridden(dsn: str, *, timeout_s: float) -> dict[str, SettingValue]:
    """The settings of a server that the agent's own sessions override, as others have them.

    Read over a connection without them, which is closed at once. None that is set for the agent's role, its database or
    its connection string alone: what others have is not seen then. Raises CannotRead with the reason.
    """
    try:
        async with asyncio.timeout(timeout_s):
            connection = await Connection.connect(
                dsn, autocommit=True, connect_timeout=max(2, round(timeout_s)), **_CONNECTION
            )
            async with connection:
                row = await (await connection.execute(_READ_ONLY)).fetchone()
    except TimeoutError:
        raise CannotRead(connect_errors.no_answer(timeout_s)) from None
    except (psycopg.Error, OSError) as error:
        raise connect_errors.cannot_read(error, dsn) from None
    return {READ_ONLY: SettingValue(value=row[0], source=row[1])} if row is not None and row[1] not in _OWN else {}


async def ask_rights(connection: Connection, mark: str | None = None) -> Rights:
    """The rights on the server as of now. Raises CannotRead when the session does not have this ``mark``."""
    rights = read_rights(await _one(connection, SESSION))
    if mark is not None and rights.mark != mark:
        raise connect_errors.pooler("the session has none of the settings that it was opened with")
    if SETTINGS_VIEW in rights.not_permitted:
        return rights
    service = read_service(await _one(connection, SERVICE))
    return replace(rights, alloydb=service.alloydb, patroni=service.patroni)


async def _one(connection: Connection, query: str) -> bytes:
    row = await (await connection.execute(statement(query, connection.info.server_version))).fetchone()
    assert row is not None
    answer: str = row[0]
    return answer.encode()


def _options(given: Mapping[str, str], settings: Mapping[str, str]) -> str:
    """The user's own command-line options, then these settings, which override them."""
    own = given.get("options") or os.environ.get("PGOPTIONS") or ""
    return " ".join([own, *(f"-c {name}={value}" for name, value in settings.items())]).strip()

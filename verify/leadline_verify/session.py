"""A session of the verifier on one server: its own role, bounded statements, settings that make texts comparable.

The settings are in the startup packet, so that no statement changes anything that outlives a session. ``row_security``
is off: rows that a policy hides would count as missing; the server refuses the statement instead.
"""

import os
from typing import Any, Final

import psycopg

from leadline.errors import UnreachableError
from leadline.pg_errors import ADVICE, PgFailure, failure_of, message_of
from leadline.settings.dsn import resolved
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql.connection import Connection
from leadline_agents.engines.postgresql.poolers import refuse_pooler

OLDEST: Final = 13
IDLE_SINCE: Final = 140000
"""The version that ends idle sessions by itself; one that waits between two chunks is idle."""
CONNECT_TIMEOUT_S: Final = 10
GRANTS: Final = "deploy/sql/verify.sql"
_CONNECTION: Final[dict[str, Any]] = {
    "application_name": "",
    "client_encoding": "",
    "target_session_attrs": "any",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "tcp_user_timeout": 10_000,
}
_SETTINGS: Final = {
    "application_name": "leadline-verify",
    "client_encoding": "UTF8",
    "search_path": "pg_catalog",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "read\\ committed",
    "row_security": "off",
    # A barrier need not be on a synchronous standby, which may be away.
    "synchronous_commit": "local",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
}
_ADVICE: Final = ADVICE | {
    PgFailure.WRONG_PASSWORD: "check user and password, or the line of the password file",
    PgFailure.NO_PASSWORD: "put it into a password file that only its owner can read (chmod 600), or into the dsn",
    PgFailure.NOT_IN_HBA: "add an entry for the verifier's role to pg_hba.conf",
    PgFailure.NO_ROLE: f"create the verifier's role: {GRANTS}",
    PgFailure.NO_DATABASE: "correct dbname in the dsn",
}


async def open_session(name: str, dsn: str, statement_timeout_s: float) -> Connection:
    """Connect in autocommit. Raises UnreachableError with the reason, UsageError for a malformed dsn."""
    own = resolved(dsn).get("options") or os.environ.get("PGOPTIONS") or ""
    settings = _SETTINGS | {"statement_timeout": str(round(statement_timeout_s * 1000))}
    options = " ".join([own, *(f"-c {key}={value}" for key, value in settings.items())]).strip()
    try:
        await refuse_pooler(dsn, CONNECT_TIMEOUT_S, CONNECT_TIMEOUT_S, **_CONNECTION)
        connection = await Connection.connect(
            dsn, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, options=options, **_CONNECTION
        )
    except CannotRead as error:
        raise UnreachableError(f"{name}: {error}") from None
    except (psycopg.Error, OSError, TimeoutError) as error:
        raise unreachable(name, dsn, error) from None
    if connection.info.server_version < OLDEST * 10000:
        await connection.close()
        raise UnreachableError(f"{name}: PostgreSQL {connection.info.server_version // 10000} is too old; 13 and later")
    if connection.info.server_version >= IDLE_SINCE:
        await connection.execute("SET idle_session_timeout = 0")
    return connection


def unreachable(name: str, dsn: str, error: Exception) -> UnreachableError:
    """The error for one of a connection: the server's message without secrets, and what to do."""
    advice = _ADVICE.get(failure_of(error), "")
    text = message_of(error, dsn) or type(error).__name__
    return UnreachableError(f"{name}: {text}" + (f" ({advice})" if advice else ""))

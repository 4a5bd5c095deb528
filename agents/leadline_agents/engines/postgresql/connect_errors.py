"""The reason that a server could not be read, in one line that ends with what to do. Pure.

The table of errors is ``leadline.pg_errors``. The line begins with the reason in fixed words, by which the judgement
separates a server that is gone from one that hangs and from one that refuses the agent.
"""

import re
from typing import Final

from psycopg import Error

from leadline.pg_errors import ADVICE, PgFailure, failure_of, message_of
from leadline_agents.engine import CannotRead

_LOGIN: Final = "authentication failed"
_REASONS: Final[dict[PgFailure, str]] = {
    PgFailure.REFUSED: "refused",
    PgFailure.NO_SOCKET: "refused",
    PgFailure.UNKNOWN_HOST: "unknown host",
    PgFailure.CONNECT_TIMEOUT: "timeout",
    PgFailure.NO_ROUTE: "network",
    PgFailure.NO_NETWORK: "network",
    PgFailure.TLS: "TLS",
    PgFailure.NOT_POSTGRESQL: "not PostgreSQL",
    PgFailure.CLOSED: "closed",
    PgFailure.NO_SERVICE: "no such service",
    PgFailure.UNKNOWN: "cannot connect",
    PgFailure.WRONG_PASSWORD: _LOGIN,
    PgFailure.NO_PASSWORD: _LOGIN,
    PgFailure.NOT_IN_HBA: _LOGIN,
    PgFailure.NO_ROLE: _LOGIN,
    PgFailure.NOT_AUTHENTICATED: _LOGIN,
    PgFailure.NO_DATABASE: "no such database",
    PgFailure.TOO_MANY_CONNECTIONS: "too many connections",
    PgFailure.STARTING: "starting up",
    PgFailure.RECOVERING: "starting up",
    PgFailure.NOT_ACCEPTING: "not accepting connections",
    PgFailure.STOPPING: "shutting down",
    PgFailure.NO_ANSWER: "timeout",
    PgFailure.CANCELLED: "timeout",
    PgFailure.LOCK_TIMEOUT: "timeout",
    PgFailure.NO_RIGHT: "missing right",
}
"""The reason for each failure; a failure that is not listed is one of a statement."""
_STATEMENT: Final = "query failed"
_CANCELLED: Final = "cancelled"
_TOO_OLD: Final = "unsupported version"
_POOLER: Final = "pooler"
WORDS: Final = frozenset({*_REASONS.values(), _STATEMENT, _CANCELLED, _TOO_OLD, _POOLER})
"""Every reason with which a line can begin."""

_LASTING: Final = frozenset(
    {
        *(PgFailure.WRONG_PASSWORD, PgFailure.NO_PASSWORD, PgFailure.NOT_IN_HBA, PgFailure.NO_ROLE),
        *(PgFailure.NOT_AUTHENTICATED, PgFailure.NO_DATABASE, PgFailure.NO_RIGHT),
    }
)
"""The server refuses for as long as nobody changes something; each attempt is a line in its server log."""
_BY_COMMAND: Final = "ProcessInterrupts"
"""The server's function that ends a session in a fast shutdown; those that end it at once, or because the postmaster is
gone, are others."""
_UNENCRYPTED: Final = ("no encryption", "SSL off")
"""The end of a refusal by pg_hba.conf; the second one in PostgreSQL 13."""
_PLACE: Final = re.compile(
    r'connection to server (?:at "(?P<host>[^"]*)"(?: \([^)]*\))?, port (?P<port>\d+)|on socket "(?P<socket>[^"]*)") '
    r"failed: (?:[^\W\d_]+:  )?(?P<text>.*)"
)
"""The beginning of libpq's message, before the reason; that of a server begins with a severity, in its language."""
_POOLERS_SAY: Final = ("unsupported startup parameter", "support command-line options", "support the option")
"""To settings in the startup packet: PgBouncer, and Amazon RDS Proxy."""

_ADVICE: Final = ADVICE | {
    PgFailure.WRONG_PASSWORD: "check user and password in the dsn, or the line of the password file",
    PgFailure.NO_PASSWORD: "put it into a password file that only its owner can read (chmod 600), or into the dsn",
    PgFailure.NOT_IN_HBA: "add an entry for the agent's role to pg_hba.conf",
    PgFailure.NO_ROLE: "create the agent's role: deploy/sql/grants.sql",
    PgFailure.NOT_AUTHENTICATED: "check pg_hba.conf and the dsn",
    PgFailure.NO_DATABASE: "correct dbname in the dsn",
    PgFailure.CANCELLED: "the server is slow, or statement_timeout_s is too short",
    PgFailure.LOCK_TIMEOUT: "another session holds a lock on a system catalog",
    PgFailure.NO_RIGHT: "grant pg_monitor to the agent's role: deploy/sql/grants.sql",
}


def too_old(version_num: int) -> str:
    """The reason for a server of a version that is not supported."""
    return (
        f"{_TOO_OLD}: this is PostgreSQL {version_num // 10000}.{version_num % 10000}; "
        "Leadline reads 13 and later: upgrade the server"
    )


def pooler(sign: str) -> CannotRead:
    """The error for a connection pooler in the place of the server."""
    return CannotRead(
        f"{_POOLER}: the dsn leads to a connection pooler ({sign}), whose sessions are shared with other clients: "
        "give the address of the server itself",
        lasting=True,
    )


def no_answer(timeout_s: float) -> str:
    """The reason for a server that did not answer within ``timeout_s``."""
    return f"timeout: no answer in {timeout_s:g} s; {ADVICE[PgFailure.NO_ANSWER]}"


def cannot_read(error: Exception, dsn: str) -> CannotRead:
    """The engine's error for one of psycopg or of the operating system, with the SQLSTATE if the server gave one."""
    failure, text = failure_of(error), message_of(error, dsn)
    if any(words in text for words in _POOLERS_SAY):
        return pooler(f"it says: {text.rpartition('FATAL:')[2].strip()}")
    code = error.sqlstate if isinstance(error, Error) else None
    stopped = failure is PgFailure.STOPPING and (code is None or _is_ended_in_order(error))
    return CannotRead(why(error, dsn), code, lasting=failure in _LASTING, stopped=stopped)


def _is_ended_in_order(error: Exception) -> bool:
    """Whether a session was ended by command. After a crash of the server it has the same SQLSTATE."""
    return isinstance(error, Error) and error.diag.source_function == _BY_COMMAND


def why(error: Exception, dsn: str) -> str:
    """The reason, the server's message and its address without the secrets of ``dsn``, and what to do."""
    failure, message = failure_of(error), message_of(error, dsn)
    reason, advice = _REASONS.get(failure, _STATEMENT), _ADVICE.get(failure, "")
    if "conflict with recovery" in message:  # SQLSTATE 40001, of serialization failures
        reason, advice = _CANCELLED, "replay removed rows that the look was reading; the next look follows"
    if failure is PgFailure.NOT_IN_HBA and message.endswith(_UNENCRYPTED):
        advice = f"where the server admits TLS only, use sslmode=require in the dsn; else {advice}"
    if place := _PLACE.match(message):
        message = f"{place['text']} at {place['socket'] or _address(place['host'], place['port'])}"
    line = f"{reason}: {message}" if message else reason
    return f"{line} ({advice})" if advice else line


def _address(host: str, port: str) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

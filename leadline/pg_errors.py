"""The meaning of errors of psycopg, libpq and PostgreSQL servers: one table for every part that connects to one.

Each part decides for itself what follows from a ``PgFailure``. Pure; no text from here quotes a connection string.
"""

from enum import Enum, auto
from typing import Final

from psycopg import DataError, Error

from leadline.errors import UsageError
from leadline.settings.dsn import parts
from leadline.settings.secret import MASK


class PgFailure(Enum):
    """The kind of a failure: of the connection, of the admission, or of a statement."""

    REFUSED = auto()
    NO_SOCKET = auto()
    UNKNOWN_HOST = auto()
    CONNECT_TIMEOUT = auto()
    NO_ROUTE = auto()
    NO_NETWORK = auto()
    TLS = auto()
    NOT_POSTGRESQL = auto()
    CLOSED = auto()
    NO_SERVICE = auto()
    CONNECTION_LOST = auto()
    UNKNOWN = auto()

    WRONG_PASSWORD = auto()
    NO_PASSWORD = auto()
    NOT_IN_HBA = auto()
    NO_ROLE = auto()
    NOT_AUTHENTICATED = auto()
    NO_DATABASE = auto()
    TOO_MANY_CONNECTIONS = auto()
    STARTING = auto()
    RECOVERING = auto()
    NOT_ACCEPTING = auto()
    STOPPING = auto()
    SESSION_ENDED = auto()

    NO_ANSWER = auto()
    CANCELLED = auto()
    LOCK_TIMEOUT = auto()
    NO_RIGHT = auto()
    NO_OBJECT = auto()
    READ_ONLY = auto()
    BAD_VALUE = auto()
    CONSTRAINT = auto()
    DISK_FULL = auto()
    NO_RESOURCES = auto()
    OTHER = auto()


ADVICE: Final[dict[PgFailure, str]] = {
    PgFailure.REFUSED: "is the server running there?",
    PgFailure.NO_SOCKET: "is the server running, and is the socket's directory right?",
    PgFailure.UNKNOWN_HOST: "check host in the dsn and the name service",
    PgFailure.CONNECT_TIMEOUT: "is the network cut, or does a firewall drop packets?",
    PgFailure.NO_ROUTE: "is the host up?",
    PgFailure.NO_NETWORK: "is the network up?",
    PgFailure.TLS: "check sslmode and the certificates in the dsn",
    PgFailure.NOT_POSTGRESQL: "something else listens there: check host and port in the dsn",
    PgFailure.CLOSED: "does PostgreSQL listen there, or a proxy without a server behind it? check host and port",
    PgFailure.NO_SERVICE: "correct its name, or set PGSERVICEFILE to the file that has it",
    PgFailure.TOO_MANY_CONNECTIONS: "close connections, or raise max_connections or the limit of role or database",
    PgFailure.STARTING: "wait until the server has started",
    PgFailure.RECOVERING: "wait: the server is recovering from a crash",
    PgFailure.NOT_ACCEPTING: "on a standby, set hot_standby = on",
    PgFailure.STOPPING: "is the shutdown intended?",
    PgFailure.NO_ANSWER: "is the server hung, the network cut, or something else than PostgreSQL there?",
    PgFailure.DISK_FULL: "free space on the server's disk",
}
"""The remedy, where it is the same for every caller."""

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix of an SQLSTATE decides.
_STATES: Final[dict[str, PgFailure]] = {
    "08": PgFailure.CONNECTION_LOST,
    "22": PgFailure.BAD_VALUE,
    "23": PgFailure.CONSTRAINT,
    "25006": PgFailure.READ_ONLY,
    "28": PgFailure.NOT_AUTHENTICATED,
    "3D": PgFailure.NO_DATABASE,
    "3F": PgFailure.NO_OBJECT,
    "42501": PgFailure.NO_RIGHT,
    "42P01": PgFailure.NO_OBJECT,
    "42883": PgFailure.NO_OBJECT,
    "53": PgFailure.NO_RESOURCES,
    "53100": PgFailure.DISK_FULL,
    "53300": PgFailure.TOO_MANY_CONNECTIONS,
    "54": PgFailure.BAD_VALUE,
    "55P03": PgFailure.LOCK_TIMEOUT,
    "57014": PgFailure.CANCELLED,
    "57P": PgFailure.SESSION_ENDED,
    "57P01": PgFailure.STOPPING,
    "57P02": PgFailure.STOPPING,
    "57P03": PgFailure.STARTING,
}
# The text decides where there is no SQLSTATE: libpq's own errors, and connections of psycopg's own class, for which
# libpq passes on text only. The first entry that is found in it counts.
_TEXTS: Final[dict[str, PgFailure]] = {
    "connection refused": PgFailure.REFUSED,
    "no such file or directory": PgFailure.NO_SOCKET,
    "password authentication failed": PgFailure.WRONG_PASSWORD,
    "no password supplied": PgFailure.NO_PASSWORD,
    "pg_hba.conf": PgFailure.NOT_IN_HBA,
    "authentication failed": PgFailure.NOT_AUTHENTICATED,
    "password": PgFailure.NOT_AUTHENTICATED,
    "too many": PgFailure.TOO_MANY_CONNECTIONS,  # before role and database, each of which may have a limit of its own
    "connection slots": PgFailure.TOO_MANY_CONNECTIONS,
    'role "': PgFailure.NO_ROLE,
    'database "': PgFailure.NO_DATABASE,
    "starting up": PgFailure.STARTING,
    "not yet accepting connections": PgFailure.STARTING,
    "not accepting connections": PgFailure.NOT_ACCEPTING,
    "recovery mode": PgFailure.RECOVERING,
    "shutting down": PgFailure.STOPPING,
    "read-only": PgFailure.READ_ONLY,
    "resolve host": PgFailure.UNKNOWN_HOST,
    "translate host name": PgFailure.UNKNOWN_HOST,
    "timeout expired": PgFailure.CONNECT_TIMEOUT,
    "no route to host": PgFailure.NO_ROUTE,
    "network is unreachable": PgFailure.NO_NETWORK,
    # https://github.com/PostHog/posthog/pull/64612, https://github.com/dbcli/pgcli/issues/329
    "invalid response to ssl negotiation": PgFailure.NOT_POSTGRESQL,
    "expected authentication request": PgFailure.NOT_POSTGRESQL,
    "server closed the connection unexpectedly": PgFailure.CLOSED,
    "eof detected": PgFailure.CLOSED,
    "definition of service": PgFailure.NO_SERVICE,
    "service file": PgFailure.NO_SERVICE,
    "ssl": PgFailure.TLS,
}
_FINER: Final = {
    PgFailure.NOT_AUTHENTICATED: (PgFailure.WRONG_PASSWORD, PgFailure.NOT_IN_HBA, PgFailure.NO_ROLE),
    PgFailure.STARTING: (PgFailure.RECOVERING, PgFailure.NOT_ACCEPTING, PgFailure.STOPPING),
}
"""Failures that share an SQLSTATE; an English text says which it is."""


def failure_of(error: Exception) -> PgFailure:
    """Classify an error. ``OTHER`` is an SQLSTATE outside the table, ``UNKNOWN`` a text outside it."""
    if isinstance(error, TimeoutError):
        return PgFailure.NO_ANSWER
    if isinstance(error, Error) and error.sqlstate:
        prefixes = (error.sqlstate[:length] for length in range(len(error.sqlstate), 1, -1))
        failure = next((_STATES[prefix] for prefix in prefixes if prefix in _STATES), PgFailure.OTHER)
        finer = _by_text(error)
        return finer if finer in _FINER.get(failure, ()) else failure
    if isinstance(error, DataError):  # psycopg itself cannot send the value
        return PgFailure.BAD_VALUE
    return _by_text(error)


def _by_text(error: Exception) -> PgFailure:
    text = str(error).lower()
    return next((failure for words, failure in _TEXTS.items() if words in text), PgFailure.UNKNOWN)


def message_of(error: Exception, dsn: str) -> str:
    """The first line of the error's own message without the secrets of ``dsn``; empty when there is none."""
    text = error.diag.message_primary if isinstance(error, Error) else None
    text = text or str(error).strip().partition("\n")[0]  # the other lines are hints, and the other hosts of the dsn
    secrets = [dsn]
    try:
        found = parts(dsn)
    except UsageError:
        found = {}
    secrets += [found.get(name, "") for name in ("password", "sslpassword")]
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    return text

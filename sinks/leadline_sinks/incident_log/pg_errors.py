"""What an error of PostgreSQL means for what was to be written or read. Pure; it never quotes a connection string."""

from typing import Final

from psycopg import Error, errors

from leadline.logs import escape
from leadline.settings.secret import MASK, redact
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_MAX_SAID: Final = 300

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix of an SQLSTATE decides.
_STATES: Final[dict[str, tuple[Reason, str]]] = {
    "08": (Reason.UNREACHABLE, "is the network cut, or the server gone?"),
    "22": (Reason.REJECTED, ""),
    "23": (Reason.TARGET_GONE, "the log and its head do not agree; run `leadline incidents verify`"),
    "54": (Reason.REJECTED, ""),
    "25006": (Reason.TARGET_GONE, "this server is a standby or read-only; point the dsn at one that takes writes"),
    "28": (Reason.UNAUTHORIZED, "check user and password of incident_log.dsn, and pg_hba.conf"),
    "3D": (Reason.TARGET_GONE, "create the database, or correct dbname in incident_log.dsn"),
    "3F": (Reason.TARGET_GONE, "run `leadline incidents migrate`"),
    "42501": (Reason.UNAUTHORIZED, "grant what the role needs: deploy/sql/incident_log.sql"),
    "42P01": (Reason.TARGET_GONE, "run `leadline incidents migrate`"),
    "42883": (Reason.TARGET_GONE, "run `leadline incidents migrate`"),
    "53": (Reason.UNAVAILABLE, "the server is short of something; look at its log"),
    "53100": (Reason.FULL, "free space on the server's disk"),
    "53300": (Reason.UNAVAILABLE, "raise max_connections, or free some"),
    "55P03": (Reason.UNAVAILABLE, "another session holds the head of the log"),
    "57014": (Reason.TIMEOUT, "the server is slow, or locked"),
    "57P": (Reason.UNAVAILABLE, "the server stops or starts"),
}
# What is said while connecting comes as text only, without an SQLSTATE. A server that speaks another language than
# English gets the general word.
_SAID: Final[dict[str, tuple[Reason, str]]] = {
    "connection refused": (Reason.UNREACHABLE, "is the server running there?"),
    "no such file or directory": (Reason.UNREACHABLE, "is the server running, and the socket's directory right?"),
    "password": _STATES["28"],
    "pg_hba.conf": _STATES["28"],
    "authentication failed": _STATES["28"],
    "starting up": _STATES["57P"],
    "recovery mode": _STATES["57P"],
    "not accepting connections": _STATES["57P"],
    "not yet accepting connections": _STATES["57P"],
    "shutting down": _STATES["57P"],
    "too many": _STATES["53300"],
    "connection slots": _STATES["53300"],
    "read-only": _STATES["25006"],
    'role "': _STATES["28"],
    'database "': _STATES["3D"],
}


def outcome(error: Exception, dsn: str) -> Retry | GiveUp:
    """What becomes of a batch. Only what the server refuses for its content is given up."""
    reason, detail = explain(error, dsn)
    return GiveUp(reason, detail) if reason is Reason.REJECTED else Retry(reason, detail)


def explain(error: Exception, dsn: str) -> tuple[Reason, str]:
    """Why, and one line: what the server said, and what to do. What is secret in ``dsn`` is cut out."""
    reason, advice = _reason(error)
    if isinstance(error, TimeoutError):
        said = "no answer in time"
    elif isinstance(error, errors.Error) and error.diag.message_primary:
        said = error.diag.message_primary
    else:
        said = str(error).strip().partition("\n")[0]  # the rest are hints, and the other hosts of a dsn
    said = escape(redact(_without(said, dsn)), _MAX_SAID) or type(error).__name__
    return reason, f"{said} ({advice})" if advice else said


def _reason(error: Exception) -> tuple[Reason, str]:
    if isinstance(error, TimeoutError):
        return Reason.TIMEOUT, "is the server hung, or the network cut?"
    if isinstance(error, Error) and error.sqlstate:
        prefixes = (error.sqlstate[:length] for length in range(len(error.sqlstate), 1, -1))
        return next((_STATES[prefix] for prefix in prefixes if prefix in _STATES), (Reason.UNAVAILABLE, ""))
    if isinstance(error, errors.DataError):  # psycopg itself cannot send it
        return Reason.REJECTED, ""
    said = str(error).lower()
    return next((found for words, found in _SAID.items() if words in said), (Reason.UNREACHABLE, ""))


def _without(said: str, dsn: str) -> str:
    from leadline.errors import UsageError
    from leadline.settings.dsn import parts

    secrets = [dsn]
    try:
        found = parts(dsn)
    except UsageError:
        found = {}
    secrets += [found[name] for name in ("password", "sslpassword") if found.get(name)]
    for secret in secrets:
        said = said.replace(secret, MASK)
    return said

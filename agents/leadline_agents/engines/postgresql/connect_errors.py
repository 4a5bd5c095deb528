"""Why a server could not be read, in one line that says what to do. Pure; it never quotes a connection string."""

from psycopg import Error, errors

# What libpq and the server say while connecting comes as text only, without an SQLSTATE. A server that speaks another
# language than English gets the last, general word.
_SAID = {
    "connection refused": ("refused", "is the server running there?"),
    "no such file or directory": ("refused", "is the server running, and the socket's directory right?"),
    "password authentication failed": ("authentication failed", "check user and password of the dsn"),
    "no password supplied": ("authentication failed", "give the dsn a password"),
    "pg_hba.conf": ("authentication failed", "let the agent's role in through pg_hba.conf"),
    "authentication failed": ("authentication failed", "check pg_hba.conf and the dsn"),
    'role "': ("authentication failed", "create the agent's role: deploy/sql/grants.sql"),
    'database "': ("no such database", "correct dbname in the dsn"),
    "starting up": ("starting up", "wait"),
    "not yet accepting connections": ("starting up", "wait"),
    "not accepting connections": ("not accepting connections", "on a standby, set hot_standby = on"),
    "in recovery mode": ("starting up", "the server is recovering from a crash: wait"),
    "shutting down": ("shutting down", "is that meant?"),
    "too many": ("too many connections", "raise max_connections, or free some"),
    "connection slots": ("too many connections", "raise max_connections, or free some"),
    "resolve host": ("unknown host", "check host in the dsn and the name service"),
    "translate host name": ("unknown host", "check host in the dsn and the name service"),
    "timeout expired": ("timeout", "is the network cut, or a firewall in between?"),
    "no route to host": ("network", "is the host up?"),
    "network is unreachable": ("network", "is the network up?"),
    "ssl": ("TLS", "check sslmode and certificates in the dsn"),
}


class Trouble(Exception):
    """The server could not be read. ``str()`` is one line without secrets."""


def too_old(version_num: int) -> str:
    """What to say to a version whose views are not known."""
    return (
        f"unsupported version: this is PostgreSQL {version_num // 10000}.{version_num % 10000}; "
        "Leadline reads 13 and later: upgrade the server"
    )


def no_answer(timeout_s: float) -> str:
    """What to say when nothing came back at all."""
    return f"timeout: no answer in {timeout_s:g} s; is the server hung, or the network cut?"


def why(error: Exception, secret: str) -> str:
    """The reason, what the server said, and what to do. ``secret`` is cut out wherever it turned up."""
    reason, advice = _reason(error)
    said = str(error).strip().partition("\n")[0]  # the rest are hints, and the other hosts of a dsn
    line = f"{reason}: {said}" if said else reason
    return (line.replace(secret, "***") if secret else line) + (f" ({advice})" if advice else "")


def _reason(error: Exception) -> tuple[str, str]:
    match error:
        case errors.InsufficientPrivilege():
            return "missing right", "grant pg_monitor to the agent's role: deploy/sql/grants.sql"
        case errors.QueryCanceled() if "recovery" in str(error):
            return "cancelled", "replay needed what the look was reading; the next one follows"
        case errors.QueryCanceled():
            return "timeout", "the server is slow, or statement_timeout_s is too short"
        case errors.LockNotAvailable():
            return "timeout", "a catalogue is locked"
        case errors.AdminShutdown() | errors.CrashShutdown():
            return "shutting down", "is that meant?"
        case errors.CannotConnectNow():
            return "starting up", "wait"
        case Error(sqlstate=str()):
            return "query failed", ""
    said = str(error).lower()
    return next((found for words, found in _SAID.items() if words in said), ("cannot connect", ""))

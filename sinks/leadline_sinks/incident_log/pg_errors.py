"""The result of a failed write to the incident log, or of a failed read, from the error of its server.

Pure; the table of errors is ``leadline.pg_errors``. No text from here quotes a connection string.
"""

from typing import Final

from leadline.logs import escape
from leadline.pg_errors import ADVICE, PgFailure, failure_of, message_of
from leadline.redaction.redact import redact
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

_MAX_MESSAGE: Final = 300
"""Characters of the server's message that are kept."""

_REASONS: Final[dict[PgFailure, Reason]] = {
    PgFailure.WRONG_PASSWORD: Reason.UNAUTHORIZED,
    PgFailure.NO_PASSWORD: Reason.UNAUTHORIZED,
    PgFailure.NOT_IN_HBA: Reason.UNAUTHORIZED,
    PgFailure.NO_ROLE: Reason.UNAUTHORIZED,
    PgFailure.NOT_AUTHENTICATED: Reason.UNAUTHORIZED,
    PgFailure.NO_DATABASE: Reason.TARGET_GONE,
    PgFailure.TOO_MANY_CONNECTIONS: Reason.UNAVAILABLE,
    PgFailure.STARTING: Reason.UNAVAILABLE,
    PgFailure.RECOVERING: Reason.UNAVAILABLE,
    PgFailure.NOT_ACCEPTING: Reason.UNAVAILABLE,
    PgFailure.STOPPING: Reason.UNAVAILABLE,
    PgFailure.SESSION_ENDED: Reason.UNAVAILABLE,
    PgFailure.NO_ANSWER: Reason.TIMEOUT,
    PgFailure.CANCELLED: Reason.TIMEOUT,
    PgFailure.LOCK_TIMEOUT: Reason.UNAVAILABLE,
    PgFailure.NO_RIGHT: Reason.UNAUTHORIZED,
    PgFailure.NO_OBJECT: Reason.TARGET_GONE,
    PgFailure.READ_ONLY: Reason.TARGET_GONE,
    PgFailure.BAD_VALUE: Reason.REJECTED,
    PgFailure.CONSTRAINT: Reason.TARGET_GONE,
    PgFailure.DISK_FULL: Reason.FULL,
    PgFailure.NO_RESOURCES: Reason.UNAVAILABLE,
    PgFailure.OTHER: Reason.UNAVAILABLE,
}
"""The reason for each failure; one that is not listed means that the server is unreachable."""

_LOGIN: Final = "check user and password of incident_log.dsn, and pg_hba.conf"
_ADVICE: Final = ADVICE | {
    PgFailure.CONNECTION_LOST: "is the network cut, or did the server end?",
    PgFailure.WRONG_PASSWORD: _LOGIN,
    PgFailure.NO_PASSWORD: _LOGIN,
    PgFailure.NOT_IN_HBA: _LOGIN,
    PgFailure.NO_ROLE: _LOGIN,
    PgFailure.NOT_AUTHENTICATED: _LOGIN,
    PgFailure.NO_DATABASE: "create the database, or correct dbname in incident_log.dsn",
    PgFailure.NOT_ACCEPTING: "this server is a standby; set incident_log.dsn to one that takes writes",
    PgFailure.SESSION_ENDED: "the server is starting or stopping",
    PgFailure.CANCELLED: "the server is slow, or a lock is held",
    PgFailure.LOCK_TIMEOUT: "another session holds the head of the incident log",
    PgFailure.NO_RIGHT: "grant the role its rights: deploy/sql/incident_log.sql",
    PgFailure.NO_OBJECT: "run `leadline incidents migrate`",
    PgFailure.READ_ONLY: "this server is a standby or read-only; set incident_log.dsn to one that takes writes",
    PgFailure.CONSTRAINT: "the incident log and its head do not agree; run `leadline incidents verify`",
    PgFailure.NO_RESOURCES: "the server lacks memory or another resource; read the server log",
}


def outcome(error: Exception, dsn: str) -> Retry | GiveUp:
    """The result of a batch that failed. It is given up only when the server refuses its content."""
    reason, detail = explain(error, dsn)
    return GiveUp(reason, detail) if reason is Reason.REJECTED else Retry(reason, detail)


def explain(error: Exception, dsn: str) -> tuple[Reason, str]:
    """The reason, and one line: the server's message and what to do, without the secrets of ``dsn``."""
    failure = failure_of(error)
    reason, advice = _REASONS.get(failure, Reason.UNREACHABLE), _ADVICE.get(failure, "")
    message = "no answer in time" if failure is PgFailure.NO_ANSWER else message_of(error, dsn)
    message = escape(redact(message), _MAX_MESSAGE) or type(error).__name__
    return reason, f"{message} ({advice})" if advice else message

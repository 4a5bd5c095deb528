"""Errors of PostgreSQL: the outcome of a batch, without secrets."""

import psycopg
import pytest
from psycopg import errors

from leadline_sinks.incident_log.pg_errors import explain, outcome
from leadline_sinks.notify.sink import GiveUp, Reason, Retry

DSN = "postgresql://sink:hunter2%21@pg-9:5432/ops"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.DiskFull("could not extend file: No space left on device"), Reason.FULL),
        (errors.TooManyConnections("sorry, too many clients already"), Reason.UNAVAILABLE),
        (errors.OutOfMemory("out of memory"), Reason.UNAVAILABLE),
        (errors.AdminShutdown("terminating connection due to administrator command"), Reason.UNAVAILABLE),
        (errors.CannotConnectNow("the database system is starting up"), Reason.UNAVAILABLE),
        (errors.LockNotAvailable("canceling statement due to lock timeout"), Reason.UNAVAILABLE),
        (errors.DeadlockDetected("deadlock detected"), Reason.UNAVAILABLE),
        (errors.QueryCanceled("canceling statement due to statement timeout"), Reason.TIMEOUT),
        (errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction"), Reason.TARGET_GONE),
        (errors.InvalidPassword("password authentication failed"), Reason.UNAUTHORIZED),
        (errors.InvalidCatalogName('database "ops" does not exist'), Reason.TARGET_GONE),
        (errors.InsufficientPrivilege("permission denied for table head"), Reason.UNAUTHORIZED),
        (errors.UndefinedTable('relation "leadline.log" does not exist'), Reason.TARGET_GONE),
        (errors.UniqueViolation("duplicate key value"), Reason.TARGET_GONE),
        (errors.UntranslatableCharacter("character has no equivalent"), Reason.REJECTED),
        (errors.ProgramLimitExceeded("index row size exceeds maximum"), Reason.REJECTED),
        (errors.InternalError_("cache lookup failed"), Reason.UNAVAILABLE),
        (psycopg.DataError("cannot dump lists of mixed types"), Reason.REJECTED),
        (psycopg.OperationalError("connection failed: Connection refused"), Reason.UNREACHABLE),
        (psycopg.OperationalError("FATAL:  sorry, too many clients already"), Reason.UNAVAILABLE),
        (psycopg.OperationalError("FATAL:  remaining connection slots are reserved"), Reason.UNAVAILABLE),
        (psycopg.OperationalError("FATAL:  the database system is shutting down"), Reason.UNAVAILABLE),
        (psycopg.OperationalError('FATAL:  no pg_hba.conf entry for host "::1"'), Reason.UNAUTHORIZED),
        (psycopg.OperationalError("session is read-only"), Reason.TARGET_GONE),
        (psycopg.OperationalError("consuming input failed: server closed the connection"), Reason.UNREACHABLE),
        (TimeoutError(), Reason.TIMEOUT),
        (ConnectionResetError("reset"), Reason.UNREACHABLE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_error_has_its_reason(error: Exception, reason: Reason) -> None:
    """Only a batch whose content the server rejects is given up; everything else is retried."""
    found = outcome(error, DSN)
    assert found.reason is reason
    assert isinstance(found, GiveUp if reason is Reason.REJECTED else Retry)
    assert 0 < len(found.detail) <= 500


@pytest.mark.parametrize(
    "message",
    [
        f'invalid connection string "{DSN}"',
        "connection to pg-9 failed: password=hunter2! is wrong",
        "FATAL: user hunter2! unknown\nHINT: hunter2%21",
    ],
)
def test_no_secret_is_in_the_detail(message: str) -> None:
    """Neither the connection string nor the password, encoded or decoded, is in the detail."""
    _, detail = explain(psycopg.OperationalError(message), DSN)
    assert "hunter2" not in detail


def test_foreign_text_is_escaped() -> None:
    """The message of a server is one line within the limit of a detail."""
    _, detail = explain(psycopg.OperationalError("\x1b[2J" + "x" * 10_000), "host=pg-9")
    assert detail.isprintable()
    assert len(detail) <= 500

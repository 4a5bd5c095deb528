"""The reason that a server cannot be read is one line without secrets."""

import psycopg
import pytest
from psycopg import errors

from leadline_agents.engines.postgresql.connect_errors import no_answer, too_old, why

AT = 'connection failed: connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.OperationalError(AT + "Connection refused\n\tIs the server running?"), "refused"),
        (psycopg.OperationalError('on socket "/x/.s.PGSQL.5432" failed: No such file or directory'), "refused"),
        (psycopg.OperationalError(AT + 'FATAL:  password authentication failed for user "x"'), "authentication failed"),
        (psycopg.OperationalError(AT + "fe_sendauth: no password supplied"), "authentication failed"),
        (psycopg.OperationalError(AT + 'FATAL:  no pg_hba.conf entry for host "10.0.0.9"'), "authentication failed"),
        (psycopg.OperationalError(AT + 'FATAL:  role "x" does not exist'), "authentication failed"),
        (psycopg.OperationalError(AT + 'FATAL:  database "x" does not exist'), "no such database"),
        (psycopg.OperationalError(AT + "FATAL:  the database system is starting up"), "starting up"),
        (psycopg.OperationalError(AT + "FATAL:  the database system is not yet accepting connections"), "starting up"),
        (psycopg.OperationalError(AT + "FATAL:  the database system is not accepting connections"), "not accepting"),
        (psycopg.OperationalError(AT + "FATAL:  the database system is in recovery mode"), "starting up"),
        (psycopg.OperationalError(AT + "FATAL:  sorry, too many clients already"), "too many connections"),
        (psycopg.OperationalError(AT + 'FATAL:  too many connections for role "leadline"'), "too many connections"),
        (psycopg.OperationalError("failed to resolve host 'x': [Errno -2] Name or service not known"), "unknown host"),
        (psycopg.errors.ConnectionTimeout("connection timeout expired"), "timeout"),
        (psycopg.OperationalError(AT + "server does not support SSL, but SSL was required"), "TLS"),
        (psycopg.OperationalError(AT + "FATAL:  ist leider kaputt"), "cannot connect"),
        (OSError("something else"), "cannot connect"),
        (errors.InsufficientPrivilege("permission denied for view pg_x"), "missing right"),
        (errors.QueryCanceled("canceling statement due to statement timeout"), "timeout"),
        (errors.SerializationFailure("canceling statement due to conflict with recovery"), "cancelled"),
        (errors.LockNotAvailable("canceling statement due to lock timeout"), "timeout"),
        (errors.AdminShutdown("terminating connection due to administrator command"), "shutting down"),
        (errors.CannotConnectNow("the database system is shutting down"), "shutting down"),
        (errors.UndefinedColumn('column "x" does not exist\nLINE 1: SELECT x\n               ^'), "query failed"),
    ],
)
def test_the_reason_comes_first_and_fits_on_a_line(error: Exception, reason: str) -> None:
    """It begins with fixed words, has the server's message, and ends with what to do."""
    line = why(error, "")
    assert line.startswith(reason)
    assert "\n" not in line
    assert str(error).splitlines()[0] in line


def test_a_password_never_shows() -> None:
    """Even when a library quotes it."""
    error = psycopg.OperationalError("invalid option hunter2")
    assert why(error, "host=a password=hunter2") == "cannot connect: invalid option ***"


def test_an_old_version_is_named() -> None:
    """With the oldest version that is read."""
    assert too_old(120022).startswith("unsupported version: this is PostgreSQL 12.22; Leadline reads 13 and later")


def test_a_missing_answer_is_a_timeout() -> None:
    """A hung server and a cut network cannot be distinguished."""
    assert no_answer(0.9).startswith("timeout: no answer in 0.9 s")

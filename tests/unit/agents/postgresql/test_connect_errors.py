"""The reason that a server cannot be read is one line without secrets."""

import psycopg
import pytest
from psycopg import errors

from leadline_agents.engines.postgresql.connect_errors import no_answer, too_old, why

AT = 'connection to server at "10.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (psycopg.OperationalError(AT + "Connection refused\n\tIs the server running?"), "refused"),
        (
            psycopg.OperationalError(
                'connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory'
            ),
            "refused",
        ),
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
        (psycopg.OperationalError(AT + "received invalid response to SSL negotiation: J"), "not PostgreSQL"),
        (psycopg.OperationalError(AT + "expected authentication request from server, but received S"), "not Postgre"),
        (psycopg.OperationalError(AT + "server closed the connection unexpectedly\n\tThis probably"), "closed"),
        (psycopg.OperationalError(AT + "SSL SYSCALL error: EOF detected"), "closed"),
        (psycopg.OperationalError('definition of service "x" not found'), "no such service"),
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
    message = str(error).splitlines()[0]
    assert message.partition("failed: ")[2].removeprefix("FATAL:  ") in line
    assert message in line or " at 10.0.0.1:5432" in line or " at /x/.s.PGSQL.5432" in line


def test_a_password_never_shows() -> None:
    """Even when a library quotes it."""
    error = psycopg.OperationalError("invalid option hunter2")
    assert why(error, "host=a password=hunter2") == "cannot connect: invalid option ***"


def test_an_old_version_is_named() -> None:
    """With the oldest version that is read."""
    assert too_old(120022).startswith("unsupported version: this is PostgreSQL 12.22; Leadline reads 13 and later")


def test_the_address_is_given_once_and_short() -> None:
    """Also of a name that was resolved, and of a server that writes in its own language."""
    named = 'connection to server at "db.example" (10.0.0.1), port 6432 failed: SCHWERWIEGEND:  Datenbank fehlt'
    assert why(psycopg.OperationalError(named), "") == "cannot connect: Datenbank fehlt at db.example:6432"
    refused = 'connection to server at "::1", port 5432 failed: Connection refused'
    assert why(psycopg.OperationalError(refused), "").startswith("refused: Connection refused at [::1]:5432 (")


def test_a_missing_answer_is_a_timeout() -> None:
    """A hung server and a cut network cannot be distinguished."""
    assert no_answer(0.9).startswith("timeout: no answer in 0.9 s")


@pytest.mark.parametrize(
    ("ending", "proposed"), [("no encryption", True), ("SSL off", True), ("SSL encryption", False), ("SSL on", False)]
)
def test_a_server_that_may_admit_tls_only(ending: str, proposed: bool) -> None:
    """Only who came without TLS is sent to it; libpq's second attempt, without, is on another line.

    https://github.com/DbUp/DbUp/issues/688, https://github.com/zalando/postgres-operator/issues/2020,
    https://github.com/d4software/QueryTree/issues/74
    """
    text = f'{AT}FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "x", database "y", {ending}'
    line = why(psycopg.OperationalError(f"{text}\n{text.replace(ending, 'no encryption')}"), "")
    assert line.startswith("authentication failed")
    assert ("sslmode=require" in line) == proposed
    assert "pg_hba.conf)" in line

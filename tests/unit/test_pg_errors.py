"""The table of PostgreSQL's errors that agent and incident log share."""

import psycopg
import pytest
from psycopg import errors

from leadline.pg_errors import PgFailure, failure_of, message_of
from leadline_agents.engines.postgresql.connect_errors import WORDS
from leadline_streams.engines.postgresql.connect_errors import HANGS, LOCKED_OUT

DSN = "postgresql://agent:hunter2%21@pg-9:5432/ops?sslpassword=keyword"


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (errors.InsufficientPrivilege("permission denied"), PgFailure.NO_RIGHT),
        (errors.UndefinedTable('relation "x" does not exist'), PgFailure.NO_OBJECT),
        (errors.UndefinedColumn('column "x" does not exist'), PgFailure.OTHER),
        (errors.CannotConnectNow("the database system is shutting down"), PgFailure.STOPPING),
        (errors.CannotConnectNow("das Datenbanksystem wird heruntergefahren"), PgFailure.STARTING),
        (errors.InvalidPassword("Passwort falsch"), PgFailure.NOT_AUTHENTICATED),
        (errors.CrashShutdown("terminating connection"), PgFailure.STOPPING),
        (errors.DatabaseDropped("terminating connection"), PgFailure.SESSION_ENDED),
        (errors.DiskFull("could not extend file"), PgFailure.DISK_FULL),
        (errors.OutOfMemory("out of memory"), PgFailure.NO_RESOURCES),
        (psycopg.DataError("cannot dump lists of mixed types"), PgFailure.BAD_VALUE),
        (psycopg.OperationalError('FATAL:  too many connections for role "x"'), PgFailure.TOO_MANY_CONNECTIONS),
        (psycopg.OperationalError('FATAL:  role "x" does not exist'), PgFailure.NO_ROLE),
        (psycopg.OperationalError("server requested a cleartext password"), PgFailure.NOT_AUTHENTICATED),
        (psycopg.OperationalError("FATAL:  ist leider kaputt"), PgFailure.UNKNOWN),
        (TimeoutError(), PgFailure.NO_ANSWER),
        (ConnectionResetError("reset"), PgFailure.UNKNOWN),
    ],
    ids=lambda value: value.name if isinstance(value, PgFailure) else type(value).__name__,
)
def test_an_error_is_classified_by_its_sqlstate_else_by_its_text(error: Exception, failure: PgFailure) -> None:
    """The longest known prefix of the SQLSTATE decides; libpq's messages while connecting have none."""
    assert failure_of(error) is failure


def test_the_message_is_one_line_without_secrets() -> None:
    """The connection string and its passwords are masked, as written and as meant."""
    error = psycopg.OperationalError(f"option {DSN} or hunter2! or keyword is wrong\nHINT: none")
    assert message_of(error, DSN) == "option *** or *** or *** is wrong"
    assert message_of(error, "") == f"option {DSN} or hunter2! or keyword is wrong"
    assert message_of(TimeoutError(), DSN) == ""


def test_the_judgement_reads_the_words_that_the_agent_writes() -> None:
    """Each beginning by which the judgement classifies a server is one of the agent's."""
    assert {*HANGS, *LOCKED_OUT} - WORDS == {"agent error"}  # the sampler's, for a defect

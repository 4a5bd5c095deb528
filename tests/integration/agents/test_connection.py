"""The SQLSTATE of a refused connection, in whatever language the server writes."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from leadline.pg_errors import PgFailure, failure_of
from leadline_agents.engines.postgresql.connection import Connection, refusal
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.postgres_versions import binaries_for
from tests.integration.agents.test_look import once
from tests.require import need

REFUSED = {
    "password=wrong": ("28P01", PgFailure.NOT_AUTHENTICATED),
    "dbname=nowhere": ("3D000", PgFailure.NO_DATABASE),
    "options='-c nonsense=1'": ("42704", PgFailure.OTHER),
}


@pytest.fixture(scope="module")
def german() -> Iterator[Server]:
    """A server of Debian, whose package has the translations that the wheel lacks."""
    locales = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()
    need("de_DE.utf8" in locales, "a German locale: localedef -i de_DE -f UTF-8 de_DE.UTF-8")
    fleet = Fleet(binaries_for(15))
    try:
        server = fleet.primary("pg-1")
        server.configure(lc_messages="de_DE.utf8")
        yield server
    finally:
        fleet.close()


@pytest.mark.parametrize("more", REFUSED)
async def test_a_refusal_has_its_code(german: Server, more: str) -> None:
    """The code is in the error and not in its text."""
    code, failure = REFUSED[more]
    with pytest.raises(psycopg.Error) as raised:
        await Connection.connect(f"{german.dsn()} {more}")
    assert raised.value.sqlstate == code
    assert failure_of(raised.value) is failure
    assert code not in str(raised.value)
    assert "postinit.c" not in str(raised.value)


async def test_all_connections_in_use_is_in_the_sample(german: Server) -> None:
    """The agent's sample of a server that refuses has the code."""
    with ExitStack() as sessions:
        for _ in range(german.value("SELECT current_setting('max_connections')::int")):
            sessions.enter_context(psycopg.connect(german.dsn()))
        sample, _ = await once(german.dsn())
    assert (sample.up, sample.error_code) == (False, "53300")
    assert (sample.error or "").startswith("too many connections: ")


async def test_a_failed_statement_has_its_plain_text(german: Server) -> None:
    """The verbosity that yields the code while connecting ends there."""
    async with await Connection.connect(german.dsn(), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero) as raised:
            await connection.execute("SELECT 1/0")
    assert ".c:" not in str(raised.value)


def test_several_attempts_and_unknown_codes() -> None:
    """The first code counts; one that psycopg does not know is kept, and a text without one has none."""
    place = "\nORT:  ClientAuthentication, auth.c:543\n"
    error = refusal(f"to A failed: FATAL:  28000: no entry, SSL on{place}to A failed: FATAL:  28000: no entry{place}")
    assert str(error) == "to A failed: FATAL:  no entry, SSL on\nto A failed: FATAL:  no entry"
    assert error.sqlstate == "28000"
    assert refusal("FATAL:  XY123: new").sqlstate == "XY123"
    assert refusal("connection to server failed: Connection refused").sqlstate is None

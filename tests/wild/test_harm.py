"""The agent changes nothing that others see, behind a pooler and on the server itself."""

import asyncio
import re

import psycopg
import pytest

from leadline_agents.engines.postgresql.connect_errors import WORDS
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.fixtures.poolers import pgbouncer
from tests.integration.agents.test_look import agent
from tests.wild.conftest import Wild

INSERT = "INSERT INTO harm_orders VALUES (1)"
OURS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'leadline%'"


def statements(server: Server, since: int) -> list[str]:
    """The statements in the server log from an offset on, without those of the test itself."""
    found = re.findall(r"LOG:  (?:statement|execute \S+): (\w+ ?\w*)", server.server_log.read_text()[since:])
    return [text for text in found if not text.startswith(("INSERT INTO", "DISCARD ALL"))]


@pytest.fixture
def shop(pair: Pair) -> str:
    """The role that the application and the agent share."""
    pair.primary.query("CREATE TABLE IF NOT EXISTS harm_orders (n int)")
    pair.primary.query(f"GRANT ALL ON harm_orders TO {AGENT}")
    return AGENT


@pytest.mark.quick
@pytest.mark.parametrize("mode", ["transaction", "session"])
@pytest.mark.parametrize("ignored", ["extra_float_digits", "options"], ids=["refuses-options", "ignores-options"])
@pytest.mark.situation(
    1, "Through a pooler", "pgbouncer/pgbouncer#1567", "cybertec-postgresql/pgwatch2#348", "pgbouncer/pgbouncer#525"
)
def test_the_application_goes_on_behind_a_pooler(
    run: Run, pair: Pair, shop: str, wild: Wild, mode: str, ignored: str
) -> None:
    """One server session, the application's own role: 5 of 5 INSERTs during and after, and one line of what to do."""
    since = len(pair.primary.server_log.read_text())
    with pgbouncer(pair.primary, shop, pool_mode=mode, ignore_startup_parameters=ignored) as dsn:
        wild.begins()
        first = run("check", dsn)
        wild.answers("pooler: the dsn leads to a connection pooler: give the address of the server itself")
        assert first.code == 3
        assert "pooler: the dsn leads to a connection pooler" in first.out
        assert "give the address of the server itself" in first.out
        with psycopg.connect(dsn, autocommit=True) as application:
            for _ in range(5):
                application.execute(INSERT)
                if mode == "transaction":  # in the other mode the application has the only session
                    assert run("check", "--format", "json", dsn).code == 3
        for _ in range(5):
            with psycopg.connect(dsn, autocommit=True) as application:
                application.execute(INSERT)
                shown = application.execute("SELECT current_setting('default_transaction_read_only')").fetchone()
                assert shown == ("off",)
    assert not [each for each in statements(pair.primary, since) if each.startswith(("SET", "PREPARE", "BEGIN"))]


@pytest.mark.quick
@pytest.mark.situation(301, "Every statement of the agent is on record", "pgbouncer/pgbouncer#493")
async def test_a_session_of_the_agent_only_reads(pair: Pair, wild: Wild) -> None:
    """By ``log_statement = all``: SELECT and WITH, no SET, no transaction left open, no object, no advisory lock."""
    for server in (pair.primary, pair.standby):
        server.configure(log_statement="all")
        try:
            since = len(server.server_log.read_text())
            sampler = agent(server.dsn(user=AGENT, options="-c work_mem=5MB"))
            try:
                for _ in range(3):
                    sample, _ = await sampler.look()
                    assert sample.up, sample.error
                assert server.value(
                    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
                    "WHERE application_name = 'leadline' AND locktype <> 'virtualxid'"
                ) in (0, 1)
                assert server.value(f"{OURS} AND state = 'idle'") == 1
            finally:
                await sampler.close()
            text = server.server_log.read_text()[since:]
            sent = re.findall(r"client backend LOG:  (?:statement|execute \S+): (\w+)", text)
            assert len(sent) >= 5
            assert set(sent) == {"SELECT", "WITH"}
        finally:
            server.configure(log_statement=None)
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(302, "A server that ends idle sessions", "free/sql_exporter#80")
async def test_a_connection_lost_between_two_looks_is_opened_again(pair: Pair, wild: Wild) -> None:
    """idle_session_timeout, an administrator, a firewall: the next look is answered, over another session."""
    sampler = agent(pair.primary.dsn(user=AGENT))
    try:
        for end in (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'leadline'",
            f"ALTER ROLE {AGENT} SET idle_session_timeout = '100ms'",
        ):
            sample, _ = await sampler.look()
            assert sample.up, sample.error
            pair.primary.query(end)
            if "ROLE" in end:
                await sampler._engine._probe.let_go()  # type: ignore[attr-defined]
                await sampler.look()
            eventually("the session has ended", lambda: pair.primary.value(OURS) == 0)
            sample, _ = await sampler.look()
            assert sample.up, sample.error
    finally:
        pair.primary.query(f"ALTER ROLE {AGENT} RESET idle_session_timeout")
        await sampler.close()
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.parametrize(
    ("relation", "lost"), [("pg_subscription", ("copies", "subscriptions")), ("pg_publication", ("publications",))]
)
@pytest.mark.situation(
    303, "A lock on a catalog of logical replication", "open-telemetry/opentelemetry-collector-contrib#49351"
)
async def test_a_lock_costs_the_groups_that_wait_for_it(pair: Pair, wild: Wild, relation: str, lost: str) -> None:
    """The node stays up, what was not read is named, and the lock costs the server log one line."""
    sampler = agent(pair.primary.dsn(user=AGENT))
    try:
        sample, _ = await sampler.look()
        since = len(pair.primary.server_log.read_text())
        with psycopg.connect(pair.primary.dsn()) as other:
            other.execute(f"LOCK TABLE pg_catalog.{relation} IN ACCESS EXCLUSIVE MODE")
            wild.begins()
            for _ in range(3):
                sample, _ = await sampler.look()
                assert sample.up, sample.error
                assert sample.not_read == lost
                assert sample.downstreams
            wild.answers(f"up; not_read: {', '.join(lost)}")
            other.rollback()
        errors = pair.primary.server_log.read_text()[since:].count("ERROR:")
        assert errors == 1
        sampler._engine._reader.refusals.held_until = 0.0  # type: ignore[attr-defined]
        sample, _ = await sampler.look()
        assert (sample.up, sample.not_read) == (True, ())
    finally:
        await sampler.close()


@pytest.mark.situation(304, "A smart shutdown while nobody else is connected", "theforeman/foremanctl#775")
async def test_a_smart_shutdown_does_not_wait_for_the_agent(pair: Pair, wild: Wild) -> None:
    """The agent's is the last session; it leaves within its ten seconds."""
    server = pair.standby
    sampler = agent(server.dsn(user=AGENT))
    try:
        await sampler.look()
        wild.begins()
        task = asyncio.create_task(asyncio.to_thread(server.stop, "smart", 30.0))
        while not task.done():
            await asyncio.sleep(1.0)
            await sampler.look()
        await task
        wild.answers("the server has stopped; the agent's session left it")
        sample, _ = await sampler.look()
        assert not sample.up
        assert (sample.error or "").partition(":")[0] in WORDS
    finally:
        await sampler.close()
        server.start()


@pytest.mark.quick
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER DATABASE harm RENAME TO harm_2; ALTER DATABASE harm_2 RENAME TO harm",
        "DROP DATABASE harm",
        "CREATE DATABASE harm_copy TEMPLATE harm",
    ],
    ids=["rename", "drop", "copy"],
)
@pytest.mark.situation(305, "The watched database is renamed, dropped or copied", "justwatchcom/sql_exporter#32")
async def test_a_database_can_be_renamed_while_it_is_watched(pair: Pair, wild: Wild, statement: str) -> None:
    """PostgreSQL waits five seconds for other sessions to end; the agent's ends within one look."""
    server = pair.primary
    server.query("CREATE DATABASE harm")
    sampler = agent(server.dsn("harm", AGENT))
    try:
        sample, _ = await sampler.look()
        assert sample.up, sample.error
        for one in statement.split("; "):
            wild.begins()
            task = asyncio.create_task(asyncio.to_thread(server.query, one))
            while not task.done():
                await asyncio.sleep(0.5)
                await sampler.look()
            await task
        wild.answers(f"{statement.split()[0]} DATABASE succeeds")
    finally:
        await sampler.close()
        for name in ("harm", "harm_2", "harm_copy"):
            server.query(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

"""The connection to a server: bounded, single, with an application_name, and opened again when it is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from leadline.clock import SystemClock
from leadline.settings.agent import InstanceSettings
from leadline.settings.secret import Secret
from leadline_agents.engine import CannotRead
from leadline_agents.engines.postgresql import session as module
from leadline_agents.engines.postgresql.catalog import FRAME
from leadline_agents.engines.postgresql.probe import Probe
from leadline_agents.engines.postgresql.session import accepts_nobody
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.proxy import Proxy
from tests.fixtures.fleets import Pair

MINE = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leadline'"


@asynccontextmanager
async def probing(dsn: str | Secret, patience_s: float = 0.6, timeout_s: float = 0.4) -> AsyncIterator[Probe]:
    secret = dsn if isinstance(dsn, Secret) else Secret(dsn)
    instance = InstanceSettings(dsn=secret, name="pg-1", cluster="orders")
    probe = Probe(instance, SystemClock(), timeout_s=timeout_s, patience_s=patience_s, connect_timeout_s=2.0)
    try:
        yield probe
    finally:
        await probe.close()


async def reason(probe: Probe) -> str:
    """The reason that there is no answer."""
    with pytest.raises(CannotRead) as raised:
        await probe.ask(FRAME)
    return str(raised.value)


async def answer(probe: Probe, timeout_s: float = 15.0) -> bytes:
    """Ask until there is an answer."""
    async with asyncio.timeout(timeout_s):
        while True:
            try:
                return await probe.ask(FRAME)
            except CannotRead:
                await asyncio.sleep(0.1)


async def test_one_connection_that_cannot_write(pair: Pair) -> None:
    """With an application_name, read-only, bounded, and the same one for every statement."""
    async with probing(pair.primary.dsn(user=AGENT, application_name="other")) as probe:
        for _ in range(3):
            await probe.ask(FRAME)
        assert pair.primary.value(MINE) == 1
        assert probe._connection is not None
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await probe._connection.execute("CREATE TABLE public.mine (n int)")
        cursor = await probe._connection.execute("SELECT current_setting('statement_timeout')")
        assert await cursor.fetchone() == ("400ms",)
    assert pair.primary.value(MINE) == 0


async def test_a_second_connection_that_is_refused_is_not_tried_again(pair: Pair) -> None:
    """Each refusal would be a line in the server log; a new session tries it."""
    pair.primary.query(f"ALTER ROLE {AGENT} CONNECTION LIMIT 1")
    try:
        async with probing(pair.primary.dsn(user=AGENT)) as probe:
            await probe.ask(FRAME)
            assert await probe.overridden() == {}
            pair.primary.query(f"ALTER ROLE {AGENT} CONNECTION LIMIT -1")
            assert await probe.overridden() == {}
            await probe.let_go()
            await answer(probe)
            assert (await probe.overridden())["default_transaction_read_only"].value == "off"
            assert pair.primary.value(MINE) == 1
    finally:
        pair.primary.query(f"ALTER ROLE {AGENT} CONNECTION LIMIT -1")


async def test_a_restart_is_survived(pair: Pair) -> None:
    """While it is down there is a reason each time; afterwards it answers again within seconds."""
    async with probing(pair.standby.dsn(user=AGENT)) as probe:
        await probe.ask(FRAME)
        pair.standby.stop()
        assert (await reason(probe)).startswith(("shutting down: ", "cannot connect: ", "refused: "))
        for _ in range(5):
            assert (await reason(probe)).startswith("refused: ")
        pair.standby.start()
        assert await answer(probe)


@pytest.mark.parametrize(
    ("end", "stopped"),
    [
        pytest.param(lambda server: server.stop(), True, id="stopped"),
        pytest.param(lambda server: server.stop("immediate"), False, id="stopped at once"),
        pytest.param(lambda server: server.kill(), False, id="killed"),
    ],
)
async def test_a_server_that_was_stopped_in_order(pair: Pair, end: Callable[[Server], None], stopped: bool) -> None:
    """It announces that to its sessions; the SQLSTATE is the same after a crash."""
    async with probing(pair.standby.dsn(user=AGENT)) as probe:
        await probe.ask(FRAME)
        end(pair.standby)
        try:
            for _ in range(2):
                with pytest.raises(CannotRead) as raised:
                    await probe.ask(FRAME)
                assert str(raised.value).startswith("refused: ")
                assert raised.value.stopped == stopped
        finally:
            pair.standby.start()
        assert await answer(probe)


async def test_a_frozen_server_gets_no_further_connections(pair: Pair) -> None:
    """No connections pile up, and the server answers again when it continues."""
    async with probing(pair.standby.dsn(user=AGENT)) as probe:
        await probe.ask(FRAME)
        pair.standby.freeze()
        try:
            for _ in range(4):
                assert (await reason(probe)).startswith("timeout: no answer in 0.6 s")
        finally:
            pair.standby.thaw()
        assert await answer(probe)
        assert pair.standby.value(MINE) == 1


async def test_a_network_that_drops_everything(pair: Pair) -> None:
    """While connecting and while a statement runs the reason is a timeout, until the network is back."""
    with Proxy(pair.primary.port) as proxy:
        proxy.blackhole()
        async with probing(pair.primary.dsn(user=AGENT, port=proxy.port)) as probe:
            assert (await reason(probe)).startswith("timeout: ")
            proxy.heal()
            assert await answer(probe)
            proxy.blackhole()
            assert (await reason(probe)).startswith("timeout: ")
            proxy.heal()
            assert await answer(probe, 30.0)


async def test_a_locked_catalogue_does_not_hold_the_agent(pair: Pair) -> None:
    """The server ends the wait; the connection stays."""
    async with probing(pair.primary.dsn(user=AGENT)) as probe:
        await probe.ask(FRAME)
        with psycopg.connect(pair.primary.dsn()) as other:
            other.execute("LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE")
            assert "lock timeout" in await reason(probe)
            other.rollback()
        connection = probe._connection
        assert await probe.ask(FRAME)
        assert probe._connection is connection


async def test_a_changed_password_is_used(pair: Pair, tmp_path: Path) -> None:
    """The file of the dsn is read at each connection; no message has its content."""
    file = tmp_path / "dsn"
    file.write_text(make_conninfo(pair.primary.dsn(user=AGENT), password="hunter2") + "\n")
    async with probing(Secret.in_file(file)) as probe:
        message = await reason(probe)
        assert message.startswith("authentication failed: ")
        assert "hunter2" not in message
        file.write_text(pair.primary.dsn(user=AGENT) + "\n")
        assert await answer(probe)


async def test_a_version_too_old(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names it, and the connection is closed."""
    monkeypatch.setattr(module, "OLDEST", 99)
    async with probing(pair.primary.dsn(user=AGENT)) as probe:
        assert (await reason(probe)).startswith("unsupported version: this is PostgreSQL 18.")
        assert pair.primary.value(MINE) == 0


async def test_attempts_are_spaced(pair: Pair) -> None:
    """The next attempt at a server that refuses waits; the reason is repeated meanwhile."""
    async with probing(pair.primary.dsn(user=AGENT, dbname="nowhere")) as probe:
        for _ in range(50):
            assert (await reason(probe)).startswith("no such database: ")
    tries = sum("nowhere" in line for line in pair.primary.server_log_tail(200).splitlines())
    assert 1 <= tries <= 3


def test_the_server_is_the_shared_one(pair: Pair) -> None:
    """The tests above leave no connection."""
    servers: list[Server] = [pair.primary, pair.standby]
    assert [server.value(MINE) for server in servers] == [0, 0]


async def test_a_server_that_hangs_holds_up_no_other() -> None:
    """The agent asks each server now and then whether it shuts down: meanwhile its other servers are served."""
    hanging = await asyncio.start_server(_hang, "127.0.0.1")
    shutting_down = await asyncio.start_server(_refuse, "127.0.0.1")
    dsns = [_dsn_of(hanging), _dsn_of(shutting_down)]
    async with hanging, shutting_down:
        assert await asyncio.gather(*map(accepts_nobody, dsns)) == [False, True]


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the client gives up."""
    await reader.read()
    writer.close()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a startup packet as a server does that is shutting down."""
    await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is shutting down\0\0"
    writer.write(b"E" + (len(fields) + 4).to_bytes(4) + fields)
    writer.close()


def _dsn_of(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()
    return f"host={host} port={port} user=leadline dbname=app sslmode=disable gssencmode=disable"

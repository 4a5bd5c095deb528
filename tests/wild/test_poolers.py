"""Poolers and proxies of other kinds: no session that others use is changed, and one line says what to do."""

import re

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.fixtures.own_pooler import Mode, OwnPooler
from tests.fixtures.poolers import pgpool
from tests.wild.conftest import Wild

REFUSED = "pooler: the dsn leads to a connection pooler"
INSERT = "INSERT INTO harm_orders VALUES (1)"
READ_ONLY = "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"


@pytest.fixture
def shop(pair: Pair) -> str:
    """The role that the application and the agent share."""
    pair.primary.query("CREATE TABLE IF NOT EXISTS harm_orders (n int)")
    pair.primary.query(f"GRANT ALL ON harm_orders TO {AGENT}")
    return AGENT


def sent(server: Server, since: int) -> list[str]:
    """The first words of each statement in the server log, without those of the application and of the pooler."""
    found = re.findall(r"LOG:  (?:statement|execute \S+): (\w+)", server.server_log.read_text()[since:])
    return [word for word in found if word not in ("INSERT", "DISCARD")]


def goes_on(dsn: str) -> None:
    """Five INSERTs of the application through a pooler, each over a connection of its own."""
    for _ in range(5):
        with psycopg.connect(dsn, autocommit=True) as application:
            application.execute(INSERT)
            assert application.execute(READ_ONLY).fetchone() == ("off", "0")


@pytest.mark.quick
@pytest.mark.parametrize("mode", ["proxysql", "pgcat", "rds proxy"])
@pytest.mark.situation(
    310,
    "Through a pooler that hands on, leaves out or refuses a client's options",
    "sysown/proxysql#5102",
    "psycopg/psycopg2#1577",
    "neondatabase/neon#6291",
    "stac-utils/pgstac#156",
)
def test_a_pooler_that_treats_options_in_its_own_way(run: Run, pair: Pair, shop: str, wild: Wild, mode: Mode) -> None:
    """The application's INSERTs succeed before, between and after looks, and no setting of ours is left behind."""
    pair.primary.configure(log_statement="all")
    try:
        with OwnPooler(pair.primary.dsn(user=shop), mode) as pooler:
            goes_on(pooler.dsn)
            since = len(pair.primary.server_log.read_text())
            wild.begins()
            result = run("check", pooler.dsn)
            wild.answers(f"{REFUSED}: give the address of the server itself")
            assert (result.code, REFUSED in result.out) == (3, True), result.out
            assert "give the address of the server itself" in result.out
            assert run("doctor", "--rights", pooler.dsn).code == 3
            assert set(sent(pair.primary, since)) <= {"SELECT"}
            goes_on(pooler.dsn)
    finally:
        pair.primary.configure(log_statement=None)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("settings", "how"),
    [({}, "balanced"), ({"load_balance_mode": "off"}, "one server"), ({"connection_cache": "off"}, "no cache")],
    ids=["balanced", "one-server", "no-cache"],
)
@pytest.mark.situation(
    311,
    "Through Pgpool-II",
    "cybertec-postgresql/pgwatch2#246",
    "goauthentik/authentik#14544",
    "CrunchyData/postgres-operator#711",
)
def test_pgpool(run: Run, pair: Pair, shop: str, wild: Wild, settings: dict[str, str], how: str) -> None:
    """It sends each statement of a session to the server that it likes: what it shows is of no server."""
    servers = [pair.primary] if how == "one server" else [pair.primary, pair.standby]
    with pgpool(servers, shop, **settings) as dsn:
        goes_on(dsn)
        wild.begins()
        for _ in range(3):
            result = run("check", dsn)
            assert (result.code, REFUSED in result.out) == (3, True), result.out
        wild.answers(f"{REFUSED}: give the address of the server itself")
        goes_on(dsn)


@pytest.mark.quick
@pytest.mark.situation(
    312, "Through a proxy that passes bytes on", "haproxy/haproxy#2707", "docker-library/postgres#716"
)
def test_a_proxy_of_bytes_is_no_pooler(run: Run, pair: Pair, wild: Wild) -> None:
    """An ssh tunnel, HAProxy, a sidecar: the session is the agent's own. The server log gets one line at most."""
    proxy = pair.fleet.proxy(pair.primary)
    since = len(pair.primary.server_log.read_text())
    result = run("check", pair.primary.dsn(user=AGENT, port=proxy.port), pair.standby.dsn(user=AGENT))
    assert result.code == 0, result.out
    assert pair.primary.server_log.read_text()[since:].count("ERROR:") <= 1
    wild.raises_nothing()

"""Servers that answer in words that nobody expected, and servers that only their own agent does not reach."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from psycopg.conninfo import make_conninfo

from leadline_lab.faults.physical.refusals import NO_SERVER, start_without_waiting, use_up
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import writing
from tests.fixtures.postgres_versions import binaries_for
from tests.require import need
from tests.wild.conftest import Wild
from tests.wild.watching import watched

NO_HOST = "no-such-host.invalid"

CONNECTIONS = "8"


@pytest.fixture
def german() -> Iterator[Fleet]:
    """Servers of PostgreSQL 15 as Debian ships it, which has messages in other languages."""
    locales = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    need("de_DE.utf8" in locales, "the locale de_DE.utf8: localedef -i de_DE -f UTF-8 de_DE.UTF-8")
    fleet = Fleet(binaries_for(15))
    yield fleet
    fleet.close()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet()
    yield fleet
    fleet.close()


def plain_pair(fleet: Fleet, **settings: str) -> tuple[Server, Server]:
    """A primary and a standby with nothing but an address between them: no name, no slot."""
    own = {"wal_keep_size": "256MB", "cluster_name": "", **settings}
    primary = fleet.primary("pg-1", own)
    standby = fleet.standby("pg-2", primary, slot=False, conninfo={"application_name": ""}, settings=own)
    return primary, standby


@pytest.mark.quick
@pytest.mark.situation(
    6,
    "All connections are in use, messages are German",
    "getodk/central#1199",
    "rails/rails#37784",
    "hapostgres/pg_auto_failover#450",
)
def test_connections_exhausted_in_german(german: Fleet, wild: Wild) -> None:
    """The primary answers, and its standby receives from it."""
    wild.server_version = "15"
    primary, standby = plain_pair(german, max_connections=CONNECTIONS, max_wal_senders="3", lc_messages="de_DE.UTF-8")
    with watched([primary, standby], settled=True) as seen, ExitStack() as stack:
        wild.begins()
        use_up(primary, stack)
        cause = seen.names("connections_exhausted")
        wild.answers(cause.summary)
        assert f"max_connections = {CONNECTIONS}" in cause.summary
        assert {step.risk for step in cause.steps} <= {"look", "careful"}
        assert "primary_down" not in seen.ever_first()


def refused_role(server: Server) -> str:
    return server.dsn(user="nobody_here")


def refused_password(server: Server) -> str:
    return make_conninfo(server.dsn(user=AGENT), password="rotated")


def refused_database(server: Server) -> str:
    return server.dsn("no_such_database", AGENT)


@pytest.mark.situation(
    601,
    "The agent's role, password or database is wrong, messages are German",
    "apple/ccs-calendarserver#323",
    "sapcc/go-bits#205",
)
@pytest.mark.parametrize("wrong", [refused_role, refused_password, refused_database])
def test_an_agent_that_a_german_server_refuses(german: Fleet, wild: Wild, wrong: Callable[[Server], str]) -> None:
    """The primary runs: nobody starts or replaces it."""
    wild.server_version = "15"
    primary, standby = plain_pair(german, lc_messages="de_DE.UTF-8")
    wild.begins()
    with watched([primary, standby], dsns={primary.port: wrong(primary)}) as seen:
        cause = seen.names("agent_down")
        wild.answers(cause.summary)
        assert "runs and refuses its agent" in cause.summary
        assert {step.risk for step in cause.steps} == {"look"}
        assert seen.ever_first() == {"agent_down"}


def unknown_host(server: Server, _: Fleet) -> str:
    return make_conninfo(server.dsn(user=AGENT), host=NO_HOST)


def closed_port(server: Server, _: Fleet) -> str:
    return make_conninfo(server.dsn(user=AGENT), port=9)


def dropped_packets(server: Server, fleet: Fleet) -> str:
    proxy = fleet.proxy(server)
    proxy.blackhole("upstream", "downstream")
    return server.dsn(user=AGENT, port=proxy.port)


@pytest.mark.quick
@pytest.mark.situation(
    602,
    "Only the agent does not reach the primary: name, port or firewall",
    "EnterpriseDB/repmgr#894",
    "EnterpriseDB/repmgr#682",
)
@pytest.mark.parametrize("way", [unknown_host, closed_port, dropped_packets])
def test_an_agent_that_does_not_reach_its_primary(
    fleet: Fleet, wild: Wild, way: Callable[[Server, Fleet], str]
) -> None:
    """Under writes, which its standby receives."""
    primary, standby = plain_pair(fleet)
    with writing(primary):
        wild.begins()
        with watched([primary, standby], dsns={primary.port: way(primary, fleet)}) as seen:
            cause = seen.names("agent_down")
            wild.answers(cause.summary)
            assert {step.risk for step in cause.steps} == {"look"}
            assert "primary_down" not in seen.ever_first()


@pytest.mark.situation(
    603,
    "A standby that is not consistent yet, messages are German",
    "cloudnative-pg/cloudnative-pg#3344",
    "cagriekin/charts#181",
)
def test_a_german_standby_that_is_not_consistent(german: Fleet, wild: Wild) -> None:
    """It runs and waits for WAL: starting it is no remedy."""
    wild.server_version = "15"
    primary, standby = plain_pair(german, lc_messages="de_DE.UTF-8")
    with watched([primary, standby], settled=True) as seen:
        wild.begins()
        standby.stop("immediate")
        for segment in (standby.data / "pg_wal").glob("0*"):
            segment.unlink()
        standby.follow(NO_SERVER, "")
        start_without_waiting(standby)
        cause = seen.names("server_not_ready")
        wild.answers(cause.summary)
        assert {step.risk for step in cause.steps} == {"look"}
        assert "standby_down" not in seen.ever_first()


@pytest.mark.situation(604, "A primary that has really crashed, messages are German", "EnterpriseDB/repmgr#766")
def test_a_german_primary_that_is_down(german: Fleet, wild: Wild) -> None:
    """The port is closed and its standby has lost it: that much is certain in any language."""
    wild.server_version = "15"
    primary, standby = plain_pair(german, lc_messages="de_DE.UTF-8")
    with watched([primary, standby], settled=True) as seen:
        wild.begins()
        primary.kill()
        cause = seen.names("primary_down", above=0.9)
        wild.answers(cause.summary)

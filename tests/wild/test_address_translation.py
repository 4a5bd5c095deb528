"""Addresses that both ends see differently: NAT, the bridge of Docker, tunnels, IPv6. Links are found by evidence."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent, hop
from tests.wild.watching import HEALTHY, Watching, watched

SOURCES = "docker-library/postgres#716", "EnterpriseDB/repmgr#680", "bitnami/bitnami-docker-postgresql-repmgr#54"
BRIDGE = "172.17.0.2:5432"
"""The first container of every host has this address there."""


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Fleet(plain=True, slots=False) as made:
        yield made


def streams(*servers: Server) -> None:
    for each in servers:
        query = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        eventually("it streams", lambda each=each, query=query: each.value(query) == 1)


def healthy(run: Run, seen: Watching, hops: set[tuple[str, str]], *dsns: str) -> None:
    """These links and no others, all of them well; ``check`` agrees."""
    seen.quiet(8.0)
    assert {(link.upstream, link.downstream) for link in seen.links} == hops, seen.history()
    assert {link.verdict for link in seen.links} <= set(HEALTHY), seen.history()
    for _ in range(3):  # in whatever order the servers answer
        result = run("check", *dsns)
        assert result.code == 0, result.out


@pytest.mark.quick
@pytest.mark.situation(940, "Two clusters of one NAT address, watched as one", *SOURCES)
def test_two_clusters_behind_one_address(wild: Wild, run: Run, fleet: Fleet) -> None:
    """No names, no slots, idle: both primaries see the same client address, each standby an address of nobody."""
    one, other = fleet.primary("pg-1"), fleet.primary("pg-2")
    ends = [(one, "pg-3"), (other, "pg-4"), (one, "pg-5")]
    standbys = [(up, fleet.standby(name, up, through=fleet.proxy(up))) for up, name in ends]
    streams(*(down for _, down in standbys))
    servers = [one, other, *(down for _, down in standbys)]
    hops = {hop(up, down) for up, down in standbys}
    with watched(servers, settled=True) as seen:
        healthy(run, seen, hops, *map(agent, servers))
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(941, "Containers with the same address on every host", *SOURCES)
def test_containers_of_one_address(wild: Wild, run: Run, fleet: Fleet) -> None:
    """Each server has an address that all of them have, and one standby follows exactly that address."""
    primary = fleet.primary("pg-1")
    first = fleet.standby("pg-2", primary, through=fleet.proxy(primary))
    leaf = fleet.standby("pg-3", first, through=fleet.proxy(first))
    streams(first, leaf)
    servers = [primary, first, leaf]
    aliases = {f"127.0.0.1:{each.port}": [BRIDGE] for each in servers}
    with watched(servers, settled=True, aliases=aliases) as seen:
        healthy(run, seen, {hop(primary, first), hop(first, leaf)}, *map(agent, servers))
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(942, "Agents that reach every server through a tunnel on their own host", *SOURCES)
def test_agents_behind_tunnels(wild: Wild, run: Run, fleet: Fleet) -> None:
    """The addresses of the agents are those of no server, and standbys follow addresses that no agent uses."""
    primary = fleet.primary("pg-1")
    first = fleet.standby("pg-2", primary)
    leaf = fleet.standby("pg-3", first)
    streams(first, leaf)
    servers = [primary, first, leaf]
    tunnels = [fleet.proxy(each) for each in servers]
    ways = [each.dsn(user=AGENT, port=way.port) for each, way in zip(servers, tunnels, strict=True)]
    names = [f"127.0.0.1:{way.port}" for way in tunnels]
    with ExitStack() as stack:
        for (
            each
        ) in servers:  # a server with no other client is asked whether it stops: in here, that holds the proxy up
            stack.enter_context(psycopg.connect(each.dsn()))
        seen = stack.enter_context(Watching(*ways, for_s=5.0))
        seen.look(3)
        healthy(run, seen, {(names[0], names[1]), (names[1], names[2])}, *ways)
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(943, "IPv6 at one end and IPv4 at the other", "patroni/patroni#838", *SOURCES[:2])
def test_two_families_of_addresses(wild: Wild, run: Run, fleet: Fleet) -> None:
    """One standby connects by IPv6, one by IPv4; the agent of the primary by either."""
    primary = fleet.primary("pg-1", {"listen_addresses": "127.0.0.1,::1"})
    hba = primary.data / "pg_hba.conf"
    hba.write_text(f"{hba.read_text()}\nhost all,replication all ::1/128 scram-sha-256\n")
    primary.query("SELECT pg_reload_conf()")
    by_6, by_4 = fleet.standby("pg-2", primary, conninfo={"host": "::1"}), fleet.standby("pg-3", primary)
    streams(by_6, by_4)
    for host in ("127.0.0.1", "::1"):
        dsns = [primary.dsn(user=AGENT, host=host), agent(by_6), agent(by_4)]
        with Watching(*dsns, for_s=5.0) as seen:
            seen.look(3)
            up = f"{f'[{host}]' if ':' in host else host}:{primary.port}"
            healthy(run, seen, {(up, hop(by_6, by_6)[0]), (up, hop(by_4, by_4)[0])}, *dsns)
    wild.raises_nothing()

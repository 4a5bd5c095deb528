"""Whose connection is it: pairs, cascades and subscriptions with the names that people have, which are none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from leadline.model.ids import NodeName
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

IDLE_S = 8.0
UNNAMED = {"cluster_name": ""}
SCHEMA = "CREATE TABLE items (id int PRIMARY KEY)"
HEALTHY = {"idle", "healthy"}


@contextmanager
def fleet(major: int = 18) -> Iterator[Fleet]:
    with Fleet(binaries_for(major)) as made:
        yield made


def plain_standby(made: Fleet, name: str, of: Server, **conninfo: str) -> Server:
    """A standby as people have it: without application_name, cluster_name and slot."""
    standby = made.standby(name, of, slot=False, conninfo={"application_name": "", **conninfo}, settings=UNNAMED)
    made.links.pop()  # it has no name to wait for
    eventually(
        "it streams", lambda: bool(standby.query("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
    )
    return standby


def agent(server: Server, dbname: str = "postgres") -> str:
    return server.dsn(dbname, user=AGENT)


def ends(watching: Watching) -> set[tuple[NodeName, NodeName]]:
    return {(link.upstream, link.downstream) for link in watching.links}


def hop(up: Server, down: Server) -> tuple[str, str]:
    return f"127.0.0.1:{up.port}", f"127.0.0.1:{down.port}"


def looks(hops: set[tuple[str, str]], *dsns: str) -> None:
    """Five times looking begins as in ``leadline check``, with two looks: all links are there and healthy."""
    for times in (2, 2, 2, 2, 5):
        with Watching(*dsns) as watching:
            watching.look(times)
            assert ends(watching) == hops, watching.history()
            assert {link.verdict for link in watching.links} <= HEALTHY, watching.history()
            assert not watching.pending, watching.history()


@pytest.mark.quick
@pytest.mark.parametrize("major", [18, 15])
@pytest.mark.situation(3, "The plainest pair there is", "netdata#13387")
def test_the_plainest_pair(wild: Wild, major: int) -> None:
    """Idle, and with no name at either end."""
    wild.server_version = str(major)
    with fleet(major) as made:
        primary = made.primary("a", UNNAMED)
        standby = plain_standby(made, "b", primary)
        threading.Event().wait(IDLE_S)
        looks({hop(primary, standby)}, agent(primary), agent(standby))
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(3, "Two standbys with default names and a subscription on one primary", "netdata#13387")
def test_two_unnamed_standbys_and_a_subscription(wild: Wild) -> None:
    """Each sender belongs to the process that began when it did; after a reconnect of all, too."""
    with fleet() as made:
        primary = made.primary("a", UNNAMED)
        primary.query("CREATE DATABASE app")
        primary.query(SCHEMA, dbname="app")
        one, two = plain_standby(made, "b", primary), plain_standby(made, "c", primary)
        subscriber = made.subscriber("d", primary, schema=SCHEMA)
        made.wait_caught_up()
        threading.Event().wait(IDLE_S)
        hops = {hop(primary, one), hop(primary, two), hop(primary, subscriber)}
        dsns = agent(primary), agent(one), agent(two), agent(subscriber, "app")
        looks(hops, *dsns)
        with Watching(*dsns) as watching:
            watching.look(3)
            senders = {link.downstream: link.sender for link in watching.links}
            primary.query("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
            watching.until(
                "other senders",
                lambda: all(
                    link.sender is not None and link.sender != senders[link.downstream] and link.connected
                    for link in watching.links
                ),
            )
            watching.look(5)
            assert ends(watching) == hops, watching.history()
            assert not watching.fired, watching.history()
    wild.raises_nothing()


@pytest.mark.quick
@pytest.mark.situation(501, "A cascade over Unix sockets", "netdata#13387")
def test_a_cascade_over_sockets(wild: Wild) -> None:
    """Two links for two hops."""
    with fleet() as made:
        sockets = {**UNNAMED, "unix_socket_directories": str(made.folder)}
        primary = made.primary("a", sockets)
        host = str(made.folder)
        middle = made.standby(
            "b", primary, slot=False, conninfo={"application_name": "", "host": host}, settings=sockets
        )
        last = made.standby("c", middle, slot=False, conninfo={"application_name": "", "host": host}, settings=UNNAMED)
        for each in (middle, last):
            eventually("it streams", lambda each=each: bool(each.query("SELECT 1 FROM pg_stat_wal_receiver")))
        threading.Event().wait(IDLE_S)
        looks({hop(primary, middle), hop(middle, last)}, agent(primary), agent(middle), agent(last))
    wild.raises_nothing()


@pytest.mark.situation(502, "Standbys of one name, and two pairs watched as one cluster", "netdata#13387")
def test_same_names_in_two_pairs(wild: Wild) -> None:
    """Four servers that all call themselves replica: the system and the start of the processes separate them."""
    with fleet() as made:
        pairs = []
        for names in ("ab", "cd"):
            up = made.primary(names[0], {"cluster_name": "replica"})
            pairs.append((up, plain_standby(made, names[1], up, application_name="replica")))
        third = plain_standby(made, "e", pairs[0][0], application_name="replica")
        threading.Event().wait(IDLE_S)
        servers = [server for pair in pairs for server in pair]
        hops = {hop(*pair) for pair in pairs} | {hop(pairs[0][0], third)}
        looks(hops, *map(agent, [*servers, third]))
    wild.raises_nothing()


@pytest.mark.situation(503, "A standby that connects through an address of nobody", "pg_auto_failover#490")
def test_an_address_of_nobody(wild: Wild) -> None:
    """Both standbys connect through a proxy: their senders still began when they did."""
    with fleet() as made:
        primary = made.primary("a", UNNAMED)
        proxy = made.proxy(primary)
        standby = made.standby(
            "b", primary, through=proxy, slot=False, conninfo={"application_name": ""}, settings=UNNAMED
        )
        last = plain_standby(made, "c", standby)
        hops = {hop(primary, standby), hop(standby, last)}
        looks(hops, agent(primary), agent(standby), agent(last))
    wild.raises_nothing()

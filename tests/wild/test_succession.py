"""One primary after another: switchovers, failovers, servers that are seen twice, slots that are left behind."""

import threading

import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal
from tests.wild.conftest import Wild
from tests.wild.test_identity import HEALTHY, SCHEMA, UNNAMED, agent, ends, fleet, hop, plain_standby
from tests.wild.watching import Watching

QUICK_S = 5.0


def three(made: Fleet) -> tuple[Server, Server, Server]:
    primary = made.primary("a", UNNAMED)
    return primary, plain_standby(made, "b", primary), plain_standby(made, "c", primary)


def follow(server: Server, upstream: Server) -> None:
    """Point a running standby at another server."""
    server.query(f"ALTER SYSTEM SET primary_conninfo = '{upstream.dsn(user=REPLICATOR)}'")
    server.query("SELECT pg_reload_conf()")


def promote(server: Server) -> None:
    server.query("SELECT pg_promote()")
    eventually("it takes writes", lambda: not server.value("SELECT pg_is_in_recovery()"))


@pytest.mark.quick
@pytest.mark.situation(5, "The same server twice: an address that moves, and the node's own", "pg_auto_failover#490")
def test_one_server_twice(wild: Wild) -> None:
    """127.0.0.1, localhost and a proxy before it: one server, and one link to its standby, after a restart too."""
    with fleet() as made:
        primary = made.primary("a", UNNAMED)
        standby = plain_standby(made, "b", primary)
        vip = made.proxy(primary)
        twice = agent(primary).replace("127.0.0.1", "localhost")
        thrice = primary.dsn(user="leadline", port=vip.port)
        with Watching(agent(primary), twice, thrice, agent(standby), for_s=QUICK_S) as watching:
            watching.look(8)
            assert len(watching.links) == 1, watching.history()
            primary.restart()
            watching.look(15)
            assert len(watching.links) == 1, watching.history()
            assert not watching.fired & {"split_brain", "replication_cut_off"}, watching.history()
            doubles = [node for node in watching.state.memory.nodes.values() if node.same_as is not None]
            assert len(doubles) == 2
    wild.answers("the same server as the first one, under another address")


@pytest.mark.quick
@pytest.mark.situation(4, "Planned switchover with rejoin", "repmgr#272", "pgoperate#15")
def test_a_switchover(wild: Wild) -> None:
    """The primary is stopped, a standby promoted, the other one pointed at it, and the old primary comes back."""
    with fleet() as made:
        old, new, other = three(made)
        with Watching(*map(agent, (old, new, other))) as watching:
            watching.look(4)
            old.stop()
            watching.look(2)
            promote(new)
            watching.look(1)
            follow(other, new)
            watching.look(3)
            old.follow(new.dsn(user=REPLICATOR), slot="")
            old.start()
            watching.look(42)
            assert ends(watching) == {hop(new, old), hop(new, other)}, watching.history()
            assert {link.verdict for link in watching.links} <= HEALTHY, watching.history()
            assert not watching.fired, watching.history()
            roles = [(change.node, change.to) for change in watching.state.memory.changes if change.setting == "role"]
            assert roles == [(hop(old, new)[1], "primary"), (hop(new, old)[1], "standby")]
    wild.raises_nothing()


@pytest.mark.situation(9, "Failover after a crash: who still follows the old primary", "repmgr#766")
@pytest.mark.parametrize("late", [False, True], ids=["watched", "late"])
def test_a_failover(wild: Wild, late: bool) -> None:
    """The primary is killed, a standby promoted after a while; the other standby still points at the old primary."""
    with fleet() as made:
        old, new, other = three(made)
        dsns = [agent(each) for each in (old, new, other)]
        if late:
            old.kill()
            promote(new)
        with Watching(*dsns, for_s=QUICK_S) as watching:
            wild.begins()
            if not late:
                watching.look(4)
                old.kill()
                wild.begins()
                watching.look(4)
                promote(new)
            watching.until("the replacement is named", lambda: watching.cause("primary_replaced"), 40.0)
            cause = watching.cause("primary_replaced")
            assert cause is not None
            a, b, c = (f"127.0.0.1:{each.port}" for each in (old, new, other))
            assert f"{a} went down and {b} replaced it" in cause.summary
            assert f"{c} still follows {a}" in cause.summary
            assert f"{a} must not come back as it is" in cause.summary
            assert all(step.risk != "destructive" for step in cause.steps)
            wild.answers(cause.summary)


@pytest.mark.situation(11, "A slot left on a demoted primary", "pgoperate#15", "cloudnative-pg#9969")
def test_a_slot_left_behind(wild: Wild) -> None:
    """Its consumer reads a slot of the same name on the new primary; the old one retains more and more."""
    with fleet() as made:
        old = made.primary("a", {"max_wal_size": "1GB"})
        new = made.standby("b", old)
        other = made.standby("c", old)
        new.query("SELECT pg_create_physical_replication_slot('c', true)")
        old.stop()
        promote(new)
        new.query("SELECT pg_create_physical_replication_slot('a', true)")
        old.follow(new.dsn(user=REPLICATOR), slot="a")
        old.start()
        follow(other, new)
        eventually(
            "it streams", lambda: bool(new.query("SELECT 1 FROM pg_stat_replication WHERE application_name <> ''"))
        )
        wild.begins()
        write_wal(new, segments=80)
        with Watching(*map(agent, (old, new, other)), for_s=QUICK_S) as watching:
            watching.until("the slot is reported", lambda: "slot_inactive" in watching.fired, 40.0)
            shown = watching.summary("slot_inactive")
            assert f"on 127.0.0.1:{old.port}" in shown
            wild.answers(shown)


@pytest.mark.situation(15, "A synchronized slot is not the publisher's", "multigres#1402", "pg_failover_slots#25")
def test_a_synchronized_slot(wild: Wild) -> None:
    """The standby with the copy is seen first; the link is from the primary all the same."""
    with fleet() as made:
        publisher = made.primary("a", {})
        publisher.query("CREATE DATABASE app")
        publisher.query(SCHEMA, dbname="app")
        standby = made.standby(
            *("b", publisher),
            conninfo={"dbname": "postgres"},
            settings={"sync_replication_slots": "on", "hot_standby_feedback": "on"},
        )
        subscriber = made.subscriber("d", publisher, schema=SCHEMA)
        subscriber.query("ALTER SUBSCRIPTION d DISABLE", dbname="app")
        eventually(
            "it is disabled",
            lambda: not publisher.query("SELECT 1 FROM pg_replication_slots WHERE active AND slot_name = 'd'"),
        )
        subscriber.query("ALTER SUBSCRIPTION d SET (failover = true)", dbname="app")
        subscriber.query("ALTER SUBSCRIPTION d ENABLE", dbname="app")
        eventually(
            "the slot is copied", lambda: bool(standby.query("SELECT 1 FROM pg_replication_slots WHERE synced")), 60.0
        )
        threading.Event().wait(2.0)
        with Watching(agent(standby), agent(subscriber, "app"), agent(publisher)) as watching:
            watching.look(5)
            expected = {hop(publisher, standby), hop(publisher, subscriber)}
            assert ends(watching) == expected, watching.history()
            subscriber.query("ALTER SUBSCRIPTION d DISABLE", dbname="app")
            watching.look(4)
            assert ends(watching) == expected, watching.history()
            wild.answers("the link is from the publisher")

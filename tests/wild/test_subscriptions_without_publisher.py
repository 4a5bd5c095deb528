"""Subscriptions that receive nothing: their publisher was replaced, or nobody watches it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from psycopg import sql

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_streams.judge.cluster import ClusterState
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

STREAMS = "SELECT 1 FROM pg_stat_subscription WHERE pid IS NOT NULL AND received_lsn IS NOT NULL"


@dataclass
class Failover:
    """A publisher with a standby, and a subscriber whose connection string names both servers."""

    publisher: Server
    standby: Server
    subscriber: Server

    def happens(self) -> None:
        """The publisher crashes and the standby replaces it."""
        self.publisher.stop("immediate")
        self.standby.execute("SELECT pg_promote()")
        self.standby.execute("INSERT INTO items SELECT id, 'x' FROM generate_series(1, 90) AS id", dbname=DATABASE)

    def returns(self) -> None:
        """The old publisher comes back as a standby of the new one, as after pg_rewind: without its slots."""
        self.publisher.follow(self.standby.dsn(user=REPLICATOR), "")
        self.publisher.start()
        self.publisher.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")

    def dsns(self) -> list[str]:
        """Connection strings of the servers that run."""
        servers = (self.publisher, self.standby, self.subscriber)
        return [server.dsn(DATABASE, AGENT) for server in servers if server.running]


def _is_known(state: ClusterState) -> bool:
    """Whether the subscription's link is healthy and all servers have answered."""
    links = [link for link in state.memory.links.values() if link.name == "pg_3"]
    return len(links) == 1 and links[0].connected and all(node.settings for node in state.memory.nodes.values())


@pytest.fixture
def failover() -> Iterator[Failover]:
    with Fleet(binaries_for(18)) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        standby = fleet.standby("pg-2", publisher, slot=False, conninfo={"application_name": "walreceiver"})
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS, dbname=DATABASE)
        fleet.links = [link for link in fleet.links if link.name == "pg_3"]
        fleet.wait_caught_up()
        password = publisher.dsn(DATABASE, REPLICATOR)
        both = (
            f"{password} host=127.0.0.1,127.0.0.1 port={publisher.port},{standby.port} target_session_attrs=read-write"
        )
        literal = sql.Literal(both).as_string()
        subscriber.execute(f"ALTER SUBSCRIPTION pg_3 CONNECTION {literal}", dbname=DATABASE)
        eventually("it streams", lambda: bool(subscriber.query(STREAMS)), 15.0)
        yield Failover(publisher, standby, subscriber)


@pytest.mark.quick
@pytest.mark.situation(14, "Publisher failed over without its slots", "patroni#1056", "xtdb#5828", "pglogical#383")
def test_a_publisher_that_was_replaced_without_its_slots(failover: Failover, run: Run, wild: Wild) -> None:
    """The new publisher is named, and the problem does not end when the old server comes back as a standby."""
    servers = [failover.publisher, failover.standby, failover.subscriber]
    with watched(servers, DATABASE) as seen:
        seen.until("all are known", lambda: seen.ask(_is_known))
        wild.begins()
        failover.happens()
        fired = seen.fires("subscription_without_worker", 30.0)
        assert fired.severity == "critical"
        cause = seen.mentions("slot_lost_in_failover", 30.0)
        new, old = address(failover.standby), address(failover.publisher)
        assert f"{new} took over from {old}" in cause.summary
        wild.answers(cause.summary)
        failover.returns()
        seen.until("the old publisher answers", lambda: seen.ask(lambda s: s.memory.nodes[old].answers))
        seen.stays("subscription_without_worker", 12.0)
    done = run("check", *failover.dsns())
    assert done.code == 1, done.out
    assert "pg_3" in done.out


@pytest.mark.situation(14, "Publisher failed over without its slots, watched from after the break", "patroni#1749")
def test_a_failover_before_the_first_look(failover: Failover, run: Run, wild: Wild) -> None:
    """The publications and the timeline of the new publisher remain as signs."""
    failover.happens()
    wild.begins()
    with watched([failover.standby, failover.subscriber], DATABASE) as seen:
        cause = seen.names("slot_lost_in_failover", 25.0)
        assert f"{address(failover.standby)} was promoted without slot pg_3" in cause.summary
        wild.answers(cause.summary)
    done = run("check", *failover.dsns())
    assert done.code == 1, done.out
    assert "subscription pg_3" in done.out


NOT_MISSED = {"server_not_watched": {"enabled": False}}
"""As an operator has it who may not watch the publisher."""


@pytest.mark.situation(710, "A subscription without a worker, and nobody watches its publisher", "pglogical#383")
def test_a_publisher_that_nobody_watches(failover: Failover, run: Run, wild: Wild) -> None:
    """The alert states the facts, and the cause what would show more."""
    with watched([failover.subscriber], DATABASE, NOT_MISSED) as seen:
        seen.quiet(8.0)
        wild.begins()
        failover.happens()
        fired = seen.fires("subscription_without_worker", 30.0)
        assert "no watched server has it" in fired.summary
        cause = seen.names("publisher_not_seen")
        assert {step.risk for step in cause.steps} == {"look"}
        assert cause.not_seen
        wild.answers(fired.summary)


@pytest.mark.situation(711, "An idle subscription whose publisher nobody watches", "pglogical#383")
def test_an_idle_subscription_is_healthy(failover: Failover, run: Run, wild: Wild) -> None:
    """Nothing is written, and for half a minute nothing is sent."""
    with watched([failover.subscriber], DATABASE, NOT_MISSED) as seen:
        seen.quiet(35.0)
    done = run("check", failover.subscriber.dsn(DATABASE, AGENT))
    assert done.code == 0, done.out
    wild.raises_nothing()

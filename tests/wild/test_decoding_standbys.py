"""Subscriptions that read from a standby, which PostgreSQL 16 and later allow."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

SOURCES = (
    "PostgreSQL docs: Logical Decoding on Standby",
    "PeerDB-io/peerdb#2967",
    "cyrilgdn/terraform-provider-postgresql#548",
)
CREATING = "SELECT count(*) FROM pg_replication_slots WHERE confirmed_flush_lsn IS NULL AND active"


@dataclass
class Decoding:
    """A primary, its standby, and the server whose subscription reads from the standby."""

    primary: Server
    standby: Server
    subscriber: Server

    @property
    def servers(self) -> tuple[Server, Server, Server]:
        return self.primary, self.standby, self.subscriber

    @contextmanager
    def subscribing(self) -> Iterator[threading.Thread]:
        """CREATE SUBSCRIPTION in the background; it is to end within the block."""
        to = sql.Literal(self.standby.dsn(DATABASE, REPLICATOR)).as_string()
        create = f"CREATE SUBSCRIPTION pg_3 CONNECTION {to} PUBLICATION pg_3"
        thread = threading.Thread(target=lambda: self.subscriber.query(create, dbname=DATABASE))
        thread.start()
        yield thread
        thread.join(30.0)
        assert not thread.is_alive()


@pytest.fixture
def decoding(request: pytest.FixtureRequest) -> Iterator[Decoding]:
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"autovacuum": "off", "wal_keep_size": "64MB"})
        standby = fleet.standby("pg-2", primary)
        subscriber = fleet.primary("pg-3")
        for server in (primary, subscriber):
            server.query(f"CREATE DATABASE {DATABASE}")
            server.query(ITEMS, dbname=DATABASE)
        primary.query("CREATE PUBLICATION pg_3 FOR ALL TABLES", dbname=DATABASE)
        primary.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname=DATABASE)
        fleet.links.clear()
        published = "SELECT 1 FROM pg_publication"
        eventually("it is published", lambda: bool(standby.query(published, dbname=DATABASE)))
        yield Decoding(primary, standby, subscriber)


@pytest.mark.situation(
    161, "A standby invalidates the slot of a subscription", "PostgreSQL docs: Logical Decoding on Standby"
)
def test_a_slot_of_a_standby_that_is_invalidated(wild: Wild, decoding: Decoding) -> None:
    """Feedback is off, and the primary removed catalog rows: one incident, and no failover is made up."""
    with decoding.subscribing() as created:
        while created.is_alive():
            decoding.primary.query("SELECT pg_log_standby_snapshot()")
            created.join(0.5)
    with watched(decoding.servers, DATABASE, settled=True) as seen:
        wild.begins()
        decoding.primary.execute("CREATE TABLE x (i int)", "DROP TABLE x", "VACUUM pg_class", dbname=DATABASE)
        seen.fires("slot_lost")
        cause = seen.names("slot_invalidated", above=0.9)
        wild.answers(cause.summary)
        assert f"{address(decoding.standby)} invalidated slot pg_3 (rows_removed)" in cause.summary
        assert "hot_standby_feedback = off" in cause.summary
        seen.fires("replication_cut_off")
        assert len(seen.incidents()) == 1, seen.history()
        assert seen.ever_first() == {"slot_invalidated"}, seen.history()


def failed_over(fleet: Fleet) -> Decoding:
    """A primary that was promoted once, and its standby from which a subscription reads."""
    old = fleet.primary("pg-1", {"wal_keep_size": "64MB"})
    old.query(f"CREATE DATABASE {DATABASE}")
    old.query(ITEMS, dbname=DATABASE)
    old.query("CREATE PUBLICATION pg_3 FOR ALL TABLES", dbname=DATABASE)
    old.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname=DATABASE)
    primary = fleet.standby("pg-4", old, settings={"autovacuum": "off", "wal_keep_size": "64MB"})
    fleet.wait_caught_up()
    primary.query("SELECT pg_promote()")
    old.stop()
    fleet.links.clear()
    standby = fleet.standby("pg-2", primary)
    subscriber = fleet.primary("pg-3")
    subscriber.query(f"CREATE DATABASE {DATABASE}")
    subscriber.query(ITEMS, dbname=DATABASE)
    found = Decoding(primary, standby, subscriber)
    with found.subscribing() as created:
        while created.is_alive():
            primary.query("SELECT pg_log_standby_snapshot()")
            created.join(0.5)
    return found


@pytest.mark.situation(185, "A subscription reads from a standby, and its primary was promoted long ago", *SOURCES)
def test_a_standby_that_decodes_on_purpose(wild: Wild, run: Run) -> None:
    """Nothing is raised, and nobody has taken over from anybody."""
    with Fleet(plain=True, slots=False) as fleet:
        servers = failed_over(fleet).servers
        with watched(servers, DATABASE, settled=True) as seen:
            seen.quiet(10.0)
            ends = {(link.upstream, link.downstream) for link in seen.links}
            primary, standby, subscriber = map(address, servers)
            assert ends == {(primary, standby), (standby, subscriber)}
        result = run("check", *(each.dsn(DATABASE, AGENT) for each in servers))
        assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(186, "The same, and looking begins after the standby has invalidated the slot", *SOURCES)
def test_a_slot_of_a_standby_that_was_invalidated_before(wild: Wild, run: Run) -> None:
    """The primary did not take over: the slot was read after its server had started as a standby."""
    with Fleet(plain=True, slots=False) as fleet:
        decoding = failed_over(fleet)
        streams = "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg_3' AND state = 'streaming'"
        eventually("it streams", lambda: bool(decoding.standby.value(streams)))
        decoding.standby.query("SELECT pg_sleep(12)")
        decoding.primary.execute("CREATE TABLE x (i int)", "DROP TABLE x", "VACUUM pg_class", dbname=DATABASE)
        lost = "SELECT 1 FROM pg_replication_slots WHERE invalidation_reason IS NOT NULL"
        eventually("the slot is invalidated", lambda: bool(decoding.standby.query(lost)))
        wild.begins()
        with watched(decoding.servers, DATABASE) as seen:
            cause = seen.names("slot_invalidated", above=0.9)
            wild.answers(cause.summary)
            seen.look(8)
            assert "slot_lost_in_failover" not in str(seen.incidents()), seen.history()
            assert len(seen.incidents()) == 1, seen.history()
        result = run("check", *(each.dsn(DATABASE, AGENT) for each in decoding.servers))
        assert result.code == 1
        assert "took over" not in result.out, result.out


@pytest.mark.situation(
    162, "A slot is created on a standby, and does not come", "PeerDB-io/peerdb#2967", "electric-sql/electric#4515"
)
def test_a_slot_on_a_standby_that_waits(wild: Wild, decoding: Decoding) -> None:
    """A transaction on the primary is in the way; the standby shows no wait."""
    with psycopg.connect(decoding.primary.dsn(DATABASE)) as session:
        session.execute("INSERT INTO items VALUES (7001, 'open')")
        with decoding.subscribing():
            eventually("the slot is being created", lambda: bool(decoding.standby.value(CREATING)))
            wild.begins()
            with watched(decoding.servers, DATABASE, {"slot_creation_waiting": {"warning": 3.0}}) as seen:
                seen.fires("slot_creation_waiting")
                cause = seen.names("sync_slot_waits", 40.0, above=0.8)
                wild.answers(cause.summary)
                assert f"slot pg_3 on {address(decoding.standby)} is not created yet" in cause.summary
                assert f"pid {session.info.backend_pid} on {address(decoding.primary)}" in cause.summary
                session.rollback()
                decoding.primary.query("SELECT pg_log_standby_snapshot()")
                seen.ends()

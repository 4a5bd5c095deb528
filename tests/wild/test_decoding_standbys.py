"""Subscriptions that read from a standby, which PostgreSQL 16 and later allow."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

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

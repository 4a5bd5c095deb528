"""Snapshots that hold vacuum back on a primary: of a report on its standby, of a transaction, of a prepared one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import writing
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address, watched

TRANSACTIONS = 60_000
KILL = "DO 'BEGIN FOR i IN 1..{} LOOP INSERT INTO queue VALUES (i); COMMIT; END LOOP; DELETE FROM queue; END'"
HOLDS_S = 30.0
"""A status interval of the standby, and the time for which the rule waits here, twice over."""
SOURCES = ("check_pgactivity#201", "pg_auto_failover#662")


@contextmanager
def queue(**settings: str) -> Iterator[Pair]:
    """A pair with ``hot_standby_feedback`` and a table whose rows are inserted and deleted."""
    with Fleet(binaries_for(18)) as fleet:
        pair = make_pair(fleet)
        pair.standby.configure(hot_standby_feedback="on")
        if settings:
            for server in (pair.standby, pair.primary):
                server.configure(**settings)
                server.restart()
        pair.primary.execute("CREATE TABLE queue (n int)")
        fleet.wait_caught_up()
        yield pair


def consume(server: Server, transactions: int = TRANSACTIONS) -> None:
    """Let rows die in so many transactions."""
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        session.execute("SET synchronous_commit = off")
        session.execute(KILL.format(transactions).encode())


@contextmanager
def open_report(server: Server) -> Iterator[int]:
    """A session with a snapshot that stays; its process."""
    with psycopg.connect(server.dsn(), application_name="report") as session:
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT count(*) FROM queue")
        yield session.info.backend_pid


def vacuumed(seen: Watching, pair: Pair) -> None:
    """The dead rows can be removed again, and the alert ends."""
    seen.until("horizon_held ends", lambda: _resolved(seen), 40.0)
    pair.primary.execute("VACUUM queue")


def _resolved(seen: Watching) -> bool:
    return seen.ask(lambda state: not any("horizon_held" in place for place in state.memory.alerts))


@pytest.mark.quick
@pytest.mark.situation(13, "Bloat behind hot_standby_feedback", *SOURCES)
def test_a_report_on_the_standby(wild: Wild) -> None:
    """The slot's xmin is 60,000 transactions old: the session on the standby is named, and how long it has run."""
    with queue() as pair, watched([pair.primary, pair.standby]) as seen:
        with open_report(pair.standby) as pid:
            eventually("the slot has the snapshot", lambda: _slot_xmin(pair) is not None, 20.0)
            consume(pair.primary)
            wild.begins()
            fired = seen.fires("horizon_held", HOLDS_S)
            assert "keeps vacuum" in fired.summary
            cause = seen.names("vacuum_held_by_feedback", HOLDS_S)
            assert f"that of pid {pid} on {address(pair.standby)} (report, " in cause.summary
            assert cause.steps[-1].sql == f"SELECT pg_terminate_backend({pid})"
            assert [step.risk for step in cause.steps] == ["look", "look", "look", "careful"]
            wild.answers(cause.summary)
        vacuumed(seen, pair)
        assert seen.fired == {"horizon_held"}


def _slot_xmin(pair: Pair) -> object:
    return pair.primary.value("SELECT max(xmin::text) FROM pg_replication_slots")


@pytest.mark.situation(131, "Bloat behind a transaction that wrote and is idle", *SOURCES)
def test_a_transaction_without_a_snapshot(wild: Wild) -> None:
    """At READ COMMITTED an idle session has no snapshot; by its transaction id it holds vacuum back all the same."""
    with queue() as pair, watched([pair.primary, pair.standby]) as seen:
        with psycopg.connect(pair.primary.dsn(), application_name="shop") as session:
            session.execute("CREATE TABLE orders (id int)")
            pid = session.info.backend_pid
            consume(pair.primary)
            assert pair.primary.value("SELECT backend_xmin FROM pg_stat_activity WHERE pid = %s", [pid]) is None
            wild.begins()
            seen.fires("horizon_held", HOLDS_S)
            cause = seen.names("vacuum_held_by_transaction", HOLDS_S)
            assert f"pid {pid}" in cause.summary
            wild.answers(cause.summary)
            session.rollback()
        vacuumed(seen, pair)


@pytest.mark.quick
@pytest.mark.situation(132, "Bloat behind a prepared transaction", "patroni#1056", *SOURCES)
def test_a_prepared_transaction(wild: Wild) -> None:
    """No session and no slot has it; its identifier and its age are named."""
    with queue(max_prepared_transactions="2") as pair, watched([pair.primary, pair.standby]) as seen:
        pair.primary.execute("BEGIN; CREATE TABLE orders (id int); PREPARE TRANSACTION 'tx-7'")
        try:
            consume(pair.primary)
            wild.begins()
            assert "prepared transaction tx-7" in seen.fires("horizon_held", HOLDS_S).summary
            cause = seen.names("orphan_prepared_transaction", HOLDS_S)
            wild.answers(cause.summary)
        finally:
            pair.primary.execute("ROLLBACK PREPARED 'tx-7'")
        vacuumed(seen, pair)


@pytest.mark.situation(133, "A busy primary whose snapshots move", *SOURCES)
def test_short_queries_hold_nothing(wild: Wild) -> None:
    """Each query on the standby is old in transactions by the next feedback, and another one takes its place."""
    with queue() as pair, watched([pair.primary, pair.standby]) as seen:
        with writing(pair.primary):
            for _ in range(4):
                with open_report(pair.standby):
                    consume(pair.primary)
                    seen.quiet(6.0)
        assert not seen.fired
    wild.raises_nothing()

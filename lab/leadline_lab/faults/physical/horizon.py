"""Vacuum on the primary is held back by an open transaction, there or on a standby."""

from typing import Final

import psycopg

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.postgres import Server
from leadline_streams.engines.postgresql.horizon import LEAST_AGE

CONSUME: Final = f"DO 'BEGIN FOR i IN 1..{LEAST_AGE + 1000} LOOP PERFORM txid_current(); COMMIT; END LOOP; END'"
"""Uses up transactions on a server, as many as are measured."""
WITHIN_S: Final = 60.0
"""A snapshot counts once it has stayed for a while."""


@fault(
    make_pair,
    Expected(rule="horizon_held", cause="vacuum_held_by_transaction", within_s=WITHIN_S),
)
def transaction_holds_vacuum(pair: Pair) -> Course:
    """A client on the primary left a transaction open, and many transactions have passed since."""
    yield Prepared()
    with psycopg.connect(pair.primary.dsn(), application_name="report") as session:
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT count(*) FROM pg_class")
        _consume(pair.primary)
        yield Injected(summary=(f"pid {session.info.backend_pid}",))
    yield Healed()


@fault(
    make_pair,
    Expected(rule="horizon_held", cause="vacuum_held_by_feedback", within_s=WITHIN_S),
)
def feedback_holds_vacuum(pair: Pair) -> Course:
    """A report on a standby with hot_standby_feedback is left open, and many transactions have passed since."""
    pair.standby.configure(hot_standby_feedback="on", wal_receiver_status_interval="1s")
    pair.fleet.wait_caught_up()
    yield Prepared()
    with psycopg.connect(pair.standby.dsn(), application_name="report") as session:
        session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT count(*) FROM pg_class")
        _consume(pair.primary)
        yield Injected()
    yield Healed()
    pair.standby.configure(hot_standby_feedback=None, wal_receiver_status_interval=None)


def _consume(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as session:
        session.execute("SET synchronous_commit = off")
        session.execute(CONSUME)

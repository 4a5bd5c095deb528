"""A transaction that is never ended makes a slot keep WAL, though its consumer is fast.

A transaction counts as forgotten when it is older than SNAPSHOT_S, as those that end by themselves are not.
"""

from typing import Final

import psycopg

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, Steady, fault
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.workload import write_wal, writing
from leadline_streams.engines.postgresql.slots import SNAPSHOT_S

LIMIT: Final = "200MB"
SEGMENTS: Final = 80
"""Of WAL, which the slot keeps: a large part of LIMIT."""


@fault(
    make_logical,
    Expected(rule="slot_retention_forecast", cause="long_transaction_on_primary", resolved_within_s=60.0),
    older=True,
)
def long_transaction_keeps_wal(logical: Logical) -> Course:
    """A client on the publisher wrote a row and did not commit, and WAL accumulates behind its transaction."""
    publisher = logical.publisher
    publisher.configure(max_slot_wal_keep_size=LIMIT)
    yield Prepared()
    insert = f"INSERT INTO {logical.table} VALUES (700001, 'never committed')"
    with psycopg.connect(publisher.dsn(logical.database)) as session:
        publisher.report(f"BEGIN; {insert}; and no COMMIT", f"database {logical.database}")
        session.execute(insert.encode())
        with writing(publisher, dbname=logical.database):
            yield Steady(SNAPSHOT_S)
            write_wal(publisher, SEGMENTS)
            yield Injected(summary=(f"pid {session.info.backend_pid}",))
        session.rollback()
    publisher.execute("CHECKPOINT")
    yield Healed()
    publisher.configure(max_slot_wal_keep_size=None)


@fault(
    make_logical,
    Expected(
        rule="slot_retention_forecast",
        cause="orphan_prepared_transaction",
        summary=("1 prepared transactions on pg-1",),
        resolved_within_s=60.0,
    ),
)
def orphan_prepared_transaction(logical: Logical) -> Course:
    """A transaction manager prepared a transaction on the publisher and never ended it, and WAL accumulates."""
    publisher = logical.publisher
    publisher.configure(max_slot_wal_keep_size=LIMIT, max_prepared_transactions="5")
    publisher.restart()
    yield Prepared()
    with psycopg.connect(publisher.dsn(logical.database), autocommit=True) as session:
        publisher.report("BEGIN; INSERT; PREPARE TRANSACTION 'lost';", f"database {logical.database}")
        session.execute("BEGIN")
        session.execute(f"INSERT INTO {logical.table} VALUES (700002, 'prepared')".encode())
        session.execute("PREPARE TRANSACTION 'lost'")
    with writing(publisher, dbname=logical.database):
        yield Steady(SNAPSHOT_S)
        write_wal(publisher, SEGMENTS)
        yield Injected()
    logical.on_publisher("ROLLBACK PREPARED 'lost'", "CHECKPOINT")
    yield Healed()
    publisher.configure(max_slot_wal_keep_size=None, max_prepared_transactions=None)
    publisher.restart()

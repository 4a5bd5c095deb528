"""Initial copies of tables, and slots, that wait for somebody without an error."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import psycopg

from leadline_lab.faults.fault import Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import REPLICATOR
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually

TABLE: Final = "CREATE TABLE {} (id int PRIMARY KEY, note text)"
SOON: Final = 3.0
"""Seconds of waiting that count: production allows a minute."""
LIMITS: Final = {"pg-3": {"table_sync_waiting": {"warning": SOON}}}
CREATE: Final = "SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')"
CREATED: Final = "SELECT 1 FROM pg_replication_slots WHERE slot_name = 'cdc' AND confirmed_flush_lsn IS NOT NULL"
COPIED: Final = "SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate <> 'r'"


@fault(
    make_logical,
    Expected(rule="table_sync_waiting", cause="sync_slot_waits", summary=("the copy of public.behind_a_writer",)),
    limits=LIMITS,
    older=True,
)
def copy_waits_for_transaction(logical: Logical) -> Course:
    """A client on the publisher wrote a row and does not commit, and the copy of a new table does not begin."""
    yield Prepared()
    with _writing(logical) as session:
        _add(logical, "behind_a_writer")
        yield Injected(summary=(f"it waits for pid {session.info.backend_pid} on pg-1",))
        session.rollback()
    copied(logical)
    yield Healed()


@fault(
    make_logical,
    Expected(rule="table_sync_waiting", cause="table_copy_blocked", summary=("the copy of public.locked_here",)),
    limits=LIMITS,
)
def copy_waits_for_lock(logical: Logical) -> Course:
    """A session on the subscriber has locked the table into which rows are to be copied."""
    yield Prepared()
    with psycopg.connect(logical.subscriber.dsn(logical.database, application_name="report")) as session:
        logical.on_subscriber(TABLE.format("locked_here"))
        session.execute("LOCK TABLE locked_here IN SHARE MODE")
        logical.on_publisher(TABLE.format("locked_here"))
        logical.alter("REFRESH PUBLICATION")
        yield Injected(summary=(f"pid {session.info.backend_pid} on pg-3",))
        session.rollback()
    copied(logical)
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="table_sync_waiting",
        cause="table_copy_workers_exhausted",
        summary=("max_sync_workers_per_subscription = 0",),
        within_s=25.0,
    ),
    limits=LIMITS,
)
def no_worker_for_copies(logical: Logical) -> Course:
    """A subscription may have no worker for initial copies, and a new table stays empty."""
    logical.subscriber.configure(max_sync_workers_per_subscription="0")
    yield Prepared()
    _add(logical, "queued")
    yield Injected()
    logical.subscriber.configure(max_sync_workers_per_subscription=None)
    copied(logical)
    yield Healed()


@fault(
    make_logical,
    Expected(rule="slot_creation_waiting", cause="sync_slot_waits", summary=("slot cdc on pg-1 is not created yet",)),
    limits={"pg-1": {"slot_creation_waiting": {"warning": SOON}}},
)
def slot_creation_waits(logical: Logical) -> Course:
    """A consumer creates its slot, which waits for a transaction that nobody ends."""
    publisher: Server = logical.publisher
    yield Prepared()
    address = publisher.dsn(logical.database, application_name="cdc")
    with psycopg.connect(address, autocommit=True) as creator, ThreadPoolExecutor(1) as pool:
        with _writing(logical) as session:
            publisher.report(CREATE, f"database {logical.database}")
            created = pool.submit(creator.execute, CREATE)
            yield Injected(summary=(f"it waits for pid {session.info.backend_pid} on pg-1",))
        created.result()
        eventually("the slot is created", lambda: bool(publisher.query(CREATED)), 10.0)
        publisher.execute("SELECT pg_drop_replication_slot('cdc')")
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="table_sync_stuck",
        cause="table_copy_cancelled",
        summary=("statement_timeout = 1s, which is set for role replicator on pg-1",),
        fix=("ALTER ROLE replicator SET statement_timeout = 0",),
        within_s=40.0,
    ),
    event_window=True,
    since=15,
)
def copy_cancelled_by_timeout(logical: Logical) -> Course:
    """The role of the subscription has a statement_timeout on the publisher, and a copy takes longer."""
    logical.publisher.execute(f"ALTER ROLE {REPLICATOR} SET statement_timeout = '1s'")
    slow_copy(logical, "too_slow", rows=400, row_s=0.01)
    yield Prepared()
    logical.alter("REFRESH PUBLICATION")
    yield Injected()
    logical.publisher.execute(f"ALTER ROLE {REPLICATOR} RESET statement_timeout")
    copied(logical)
    yield Healed()


def slow_copy(logical: Logical, table: str, *, rows: int, row_s: float) -> None:
    """A table with rows of 100 kB that the subscriber takes so long to copy; the publisher waits for it.

    It is not vacuumed: WAL that has nothing for a subscriber is confirmed up to ten seconds later.
    """
    logical.on_subscriber(
        TABLE.format(table),
        f"CREATE FUNCTION {table}() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN PERFORM pg_sleep({row_s}); RETURN NEW; END'",
        f"CREATE TRIGGER {table} BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}()",
        f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}",
    )
    logical.on_publisher(
        TABLE.format(table),
        f"ALTER TABLE {table} ALTER note SET STORAGE EXTERNAL",
        f"ALTER TABLE {table} SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)",
        f"INSERT INTO {table} SELECT id, repeat('x', 100000) FROM generate_series(1, {rows}) AS id",
    )
    logical.fleet.wait_caught_up()  # the rows themselves are a large transaction, which is decoded and not sent


@contextmanager
def _writing(logical: Logical) -> Iterator[psycopg.Connection]:
    """A session on the publisher that wrote a row and does not end its transaction."""
    with psycopg.connect(logical.publisher.dsn(logical.database, application_name="shop")) as session:
        session.execute("SELECT pg_current_xact_id()")
        yield session


def _add(logical: Logical, table: str) -> None:
    """A table that is new to the subscription."""
    logical.on_subscriber(TABLE.format(table))
    logical.on_publisher(TABLE.format(table), f"INSERT INTO {table} SELECT id, 'x' FROM generate_series(1, 240) AS id")
    logical.alter("REFRESH PUBLICATION")


def copied(logical: Logical) -> None:
    """Wait until no table of the subscriber is left to be copied."""
    eventually("the table is copied", lambda: bool(logical.subscriber.value(COPIED, dbname=logical.database)), 20.0)

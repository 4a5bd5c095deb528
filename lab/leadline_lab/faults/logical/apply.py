"""Apply on a subscriber is blocked, held back or too slow."""

from typing import Final

import psycopg

from leadline_lab.faults.fault import Broken, Course, Expected, Healed, Injected, Prepared, fault
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.workload import writing

ROWS, CHANGED, BATCH = 100_000, 20_000, 50
UPDATES: Final = f"""
    DO $$ BEGIN FOR top IN REVERSE {ROWS}..{ROWS - CHANGED} BY {BATCH} LOOP
        UPDATE plain SET note = 'b' WHERE id > top - {BATCH} AND id <= top;
        COMMIT;
    END LOOP; END $$
"""
"""Each changed row costs the subscriber a scan of nearly all of them: about a minute, until there is an index."""

LOADED_ROWS: Final = 200_000
SLOW: Final = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ DECLARE until timestamptz = clock_timestamp() + interval '0.1 ms';
    BEGIN LOOP EXIT WHEN clock_timestamp() > until; END LOOP; RETURN new; END $$
"""
"""Busy for a time, not for an amount of work: 20 s for all rows on any machine that is not slower still."""


@fault(
    make_logical,
    Expected(
        rule="replication_stalled",
        cause="apply_blocked_by_lock",
        verdict="replay_stalled",
        summary=("AccessExclusiveLock on public.items",),
    ),
)
def apply_blocked_by_lock(logical: Logical) -> Course:
    """A session on the subscriber has locked a replicated table and stays idle."""
    yield Prepared()
    lock = f"LOCK TABLE {logical.table} IN ACCESS EXCLUSIVE MODE"
    with psycopg.connect(logical.subscriber.dsn(logical.database)) as session:
        logical.subscriber.report(f"BEGIN; {lock}; and no COMMIT", f"database {logical.database}")
        session.execute(lock.encode())
        logical.on_publisher(f"INSERT INTO {logical.table} VALUES (5000, 'a')")
        yield Injected(fix=(f"pg_terminate_backend({session.info.backend_pid})",))
        session.rollback()
    yield Healed()


@fault(
    make_logical,
    Expected(
        rule="replication_stalled",
        cause="failover_slot_gate",
        verdict="replay_stalled",
        summary=("slot gone",),
    ),
    since=17,
)
def held_back_for_a_standby(logical: Logical) -> Course:
    """synchronized_standby_slots names a standby that is gone: nothing is sent before that standby has it."""
    publisher = logical.publisher
    _set_failover(logical, "true")
    yield Prepared()
    publisher.execute("SELECT pg_create_physical_replication_slot('gone', true)")
    publisher.configure(synchronized_standby_slots="gone")
    logical.on_publisher(f"INSERT INTO {logical.table} VALUES (5001, 'a')")
    yield Injected()
    publisher.configure(synchronized_standby_slots=None)
    publisher.execute("SELECT pg_drop_replication_slot('gone')")
    yield Healed()
    _set_failover(logical, "false")


@fault(
    make_logical,
    Expected(rule="replication_lag", cause="apply_cannot_keep_up", within_s=30.0, resolved_within_s=60.0),
)
def apply_cannot_keep_up(logical: Logical) -> Course:
    """No index fits the replica identity, and the subscriber reads the whole table for every changed row."""
    table = "CREATE TABLE plain (id int NOT NULL, note text)"
    logical.on_subscriber(table)
    logical.on_publisher(
        table,
        "ALTER TABLE plain REPLICA IDENTITY FULL",
        f"INSERT INTO plain SELECT id, 'a' FROM generate_series(1, {ROWS}) AS id",
    )
    logical.refresh()
    yield Prepared()
    logical.on_publisher(UPDATES)
    with writing(logical.publisher, dbname=logical.database):
        yield Injected()
        logical.on_subscriber("ALTER TABLE plain ADD PRIMARY KEY (id)")
        yield Healed()


@fault(
    make_logical,
    Expected(rule="replication_lag", cause="large_transaction_decoding", within_s=30.0, resolved_within_s=120.0),
)
def large_transaction(logical: Logical) -> Course:
    """A bulk load takes the subscriber long, and is decoded to disk first because it does not fit into memory."""
    table = "CREATE TABLE loads (id int PRIMARY KEY, note text)"
    logical.on_publisher(table)
    logical.on_subscriber(table)
    logical.refresh()  # whose initial copy has ended, or it would take the rows
    logical.on_subscriber(
        SLOW,
        "CREATE TRIGGER slow BEFORE INSERT ON loads FOR EACH ROW EXECUTE FUNCTION slow()",
        "ALTER TABLE loads ENABLE ALWAYS TRIGGER slow",
    )
    logical.publisher.configure(wal_sender_timeout="0")  # before 16 a worker in a transaction does not reply
    yield Prepared()
    with writing(logical.publisher, dbname=logical.database):
        rows = f"SELECT id, repeat('x', 300) FROM generate_series(1, {LOADED_ROWS}) AS id"
        logical.on_publisher(f"INSERT INTO loads {rows}")
        yield Broken()
        yield Injected()
        yield Healed()
    logical.publisher.configure(wal_sender_timeout=None)


def _set_failover(logical: Logical, value: str) -> None:
    """Whether the slot is to be copied to a standby; it can be changed only while it is not in use."""
    logical.disable()
    logical.alter(f"SET (failover = {value})")
    logical.alter("ENABLE")


# Before 18 the conflicts of rows are not counted, and only the server log shows whether a key was duplicate.
@fault(make_logical, Expected(rule="apply_error", cause="apply_refused", verdict="broken"), since=18)
def apply_refused(logical: Logical) -> Course:
    """A check constraint was added on the subscriber only, and a row does not fulfil it."""
    yield Prepared()
    logical.on_subscriber("ALTER TABLE items ADD CONSTRAINT refuses CHECK (note <> 'refused')")
    logical.on_publisher("INSERT INTO items VALUES (3100, 'refused')")
    yield Injected()
    logical.on_subscriber("ALTER TABLE items DROP CONSTRAINT refuses")
    yield Healed()

"""A transaction that is larger than the memory for decoding, or that nobody finishes."""

import psycopg

from leadline_streams.engines.postgresql.slots import SNAPSHOT_S
from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber
from tests.zoo.rig import Watch
from tests.zoo.sessions import write_log

ROWS = 200_000
SLOW = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ DECLARE until timestamptz = clock_timestamp() + interval '0.1 ms';
    BEGIN LOOP EXIT WHEN clock_timestamp() > until; END LOOP; RETURN new; END $$
"""
"""Busy for a time, not for an amount of work: 20 s for all rows on any machine that is not slower still."""


def test_large_transaction(logical: Logical, watch: Watch) -> None:
    """A bulk load that takes the subscriber long; it is decoded to disk first, for it does not fit into memory."""
    table = "CREATE TABLE loads (id int PRIMARY KEY, note text)"
    on_publisher(logical, table)
    on_subscriber(
        logical,
        table,
        "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION",
        SLOW,
        "CREATE TRIGGER slow BEFORE INSERT ON loads FOR EACH ROW EXECUTE FUNCTION slow()",
        "ALTER TABLE loads ENABLE ALWAYS TRIGGER slow",
    )
    logical.publisher.configure(wal_sender_timeout="0")  # before 16 a worker in a transaction does not reply
    rig = watch(logical)
    with rig.writing(logical.publisher, dbname=DATABASE):
        on_publisher(logical, f"INSERT INTO loads SELECT id, repeat('x', 300) FROM generate_series(1, {ROWS}) AS id")
        rig.mark()
        rig.expect(rule="replication_lag", cause="large_transaction_decoding", within=30.0)
        rig.expect_resolved(within=120.0)
    logical.publisher.configure(wal_sender_timeout=None)


def test_orphan_prepared_transaction(logical: Logical, watch: Watch) -> None:
    """A transaction manager prepared a transaction and lost it; then log piles up, and the slot keeps it."""
    publisher = logical.publisher
    publisher.configure(max_slot_wal_keep_size="200MB", max_prepared_transactions="5")
    publisher.restart()
    rig = watch(logical)
    with psycopg.connect(publisher.dsn(DATABASE), autocommit=True) as session:
        session.execute("BEGIN")
        session.execute("INSERT INTO items VALUES (700002, 'prepared')")
        session.execute("PREPARE TRANSACTION 'lost'")
    with rig.writing(publisher, dbname=DATABASE):
        rig.quiet(SNAPSHOT_S)
        rig.mark()
        write_log(publisher, segments=80)
        incident = rig.expect(rule="slot_retention_forecast", cause="orphan_prepared_transaction")
    assert "1 prepared transactions on pg-1" in incident.causes[0].summary
    on_publisher(logical, "ROLLBACK PREPARED 'lost'", "CHECKPOINT")
    rig.expect_resolved(within=60.0)
    publisher.configure(max_slot_wal_keep_size=None, max_prepared_transactions=None)
    publisher.restart()

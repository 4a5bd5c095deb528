"""Apply is busy and late."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber
from tests.zoo.rig import Watch


def test_apply_cannot_keep_up(logical: Logical, watch: Watch) -> None:
    """No index fits the replica identity: the subscriber reads the whole table for every row that changes."""
    table = "CREATE TABLE plain (id int, note text)"
    on_subscriber(logical, table)
    on_publisher(
        logical,
        table,
        "ALTER TABLE plain REPLICA IDENTITY FULL",
        "INSERT INTO plain SELECT id, 'a' FROM generate_series(1, 40000) AS id",
    )
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    logical.publisher.configure(wal_sender_timeout="0")  # before 16 a worker in a transaction does not reply
    rig = watch(logical)
    with rig.writing(logical.publisher, dbname=DATABASE):
        on_publisher(logical, "UPDATE plain SET note = 'b' WHERE id > 35000")
        rig.mark()
        rig.expect(rule="replication_lag", cause="apply_cannot_keep_up")
        rig.expect_resolved(within=120.0)
    logical.publisher.configure(wal_sender_timeout=None)

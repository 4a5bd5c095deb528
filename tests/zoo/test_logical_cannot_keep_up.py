"""Apply is busy and late."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber
from tests.zoo.rig import Watch

ROWS, CHANGED, BATCH = 100_000, 20_000, 50
UPDATES = f"""
    DO $$ BEGIN FOR top IN REVERSE {ROWS}..{ROWS - CHANGED} BY {BATCH} LOOP
        UPDATE plain SET note = 'b' WHERE id > top - {BATCH} AND id <= top;
        COMMIT;
    END LOOP; END $$
"""
"""Each row that changes costs the subscriber a scan of nearly all of them: about a minute, until there is an index."""


def test_apply_cannot_keep_up(logical: Logical, watch: Watch) -> None:
    """No index fits the replica identity: the subscriber reads the whole table for every row that changes."""
    table = "CREATE TABLE plain (id int NOT NULL, note text)"
    on_subscriber(logical, table)
    on_publisher(
        logical,
        table,
        "ALTER TABLE plain REPLICA IDENTITY FULL",
        f"INSERT INTO plain SELECT id, 'a' FROM generate_series(1, {ROWS}) AS id",
    )
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    rig.mark()
    on_publisher(logical, UPDATES)
    with rig.writing(logical.publisher, dbname=DATABASE):
        rig.expect(rule="replication_lag", cause="apply_cannot_keep_up", within=30.0)
        on_subscriber(logical, "ALTER TABLE plain ADD PRIMARY KEY (id)")
        rig.expect_resolved(within=60.0)

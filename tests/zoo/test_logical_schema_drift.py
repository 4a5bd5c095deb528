"""A table differs on the two sides."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch

BEHIND = "subscriber_duplicate_key"
"""Before 18 the server does not count conflicts, and the likelier guess is named before this one."""


def test_missing_column(logical: Logical, watch: Watch, major: int) -> None:
    """A column was dropped on the subscriber only."""
    rig = watch(logical)
    on_subscriber(logical, "ALTER TABLE items DROP COLUMN note")
    on_publisher(logical, "INSERT INTO items VALUES (3000, 'a')")
    rig.expect(
        rule="apply_error", cause="subscriber_schema_drift", verdict="broken", behind=BEHIND if major < 18 else ""
    )
    on_subscriber(logical, "ALTER TABLE items ADD COLUMN note text")
    rig.expect_resolved()


def test_missing_table(logical: Logical, watch: Watch, major: int) -> None:
    """A table was dropped on the subscriber only, and the publisher goes on writing to it."""
    table = "CREATE TABLE lost (id int PRIMARY KEY)"
    on_subscriber(logical, table)
    on_publisher(logical, table)
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_subscriber(logical, "ALTER TABLE lost RENAME TO mislaid")
    on_publisher(logical, "INSERT INTO lost VALUES (1)")
    rig.expect(
        rule="apply_error", cause="subscriber_schema_drift", verdict="broken", behind=BEHIND if major < 18 else ""
    )
    on_subscriber(logical, "ALTER TABLE mislaid RENAME TO lost")
    rig.expect_resolved()

"""A table differs on the two sides. Before 18 no conflicts are counted: only what the tables are like tells."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


def test_missing_column(logical: Logical, watch: Watch) -> None:
    """A column was dropped on the subscriber only."""
    rig = watch(logical)
    on_subscriber(logical, "ALTER TABLE items DROP COLUMN note")
    on_publisher(logical, "INSERT INTO items VALUES (3000, 'a')")
    incident = rig.expect(rule="apply_error", cause="subscriber_schema_drift", verdict="broken")
    assert "public.items has no column note (text)" in incident.causes[0].summary
    assert "ALTER TABLE public.items ADD COLUMN note text;" in incident.causes[0].fix
    on_subscriber(logical, "ALTER TABLE items ADD COLUMN note text")
    rig.expect_resolved()


def test_missing_table(logical: Logical, watch: Watch) -> None:
    """A table was dropped on the subscriber only, and the publisher goes on writing to it."""
    table = "CREATE TABLE lost (id int PRIMARY KEY)"
    on_subscriber(logical, table)
    on_publisher(logical, table)
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_subscriber(logical, "ALTER TABLE lost RENAME TO mislaid")
    on_publisher(logical, "INSERT INTO lost VALUES (1)")
    incident = rig.expect(rule="apply_error", cause="subscriber_schema_drift", verdict="broken")
    assert "there is no table public.lost" in incident.causes[0].summary
    on_subscriber(logical, "ALTER TABLE mislaid RENAME TO lost")
    rig.expect_resolved()


def test_column_that_is_not_sent(logical: Logical, watch: Watch) -> None:
    """A column was added on the subscriber only, and refuses NULL."""
    rig = watch(logical)
    on_subscriber(logical, "ALTER TABLE items ADD COLUMN source text NOT NULL DEFAULT 'here'")
    on_subscriber(logical, "ALTER TABLE items ALTER COLUMN source DROP DEFAULT")
    on_publisher(logical, "INSERT INTO items VALUES (3001, 'a')")
    incident = rig.expect(rule="apply_error", cause="subscriber_schema_drift", verdict="broken")
    assert "column source of public.items refuses NULL" in incident.causes[0].summary
    on_subscriber(logical, "ALTER TABLE items DROP COLUMN source")
    rig.expect_resolved()

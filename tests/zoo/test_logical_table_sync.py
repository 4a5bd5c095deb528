"""The initial copy of a table fails."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


def test_table_sync_failing(logical: Logical, watch: Watch) -> None:
    """A table that came into the publication has rows on the subscriber already."""
    rig = watch(logical)
    table = "CREATE TABLE filled (id int PRIMARY KEY)"
    on_subscriber(logical, table, "INSERT INTO filled VALUES (1)")
    on_publisher(logical, table, "INSERT INTO filled VALUES (1)")
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    incident = rig.expect(rule="table_sync_stuck", cause="table_sync_failing")
    assert "TRUNCATE public.filled;" in incident.causes[0].fix
    on_subscriber(logical, "TRUNCATE filled")
    rig.expect_resolved()

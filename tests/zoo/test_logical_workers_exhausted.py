"""A subscriber has no worker for its subscription."""

from psycopg import sql

from leadline_lab.sandbox.fleet import REPLICATOR
from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_subscriber
from tests.zoo.rig import Watch


def test_workers_exhausted(logical: Logical, watch: Watch) -> None:
    """A second subscription where one worker may run: it is enabled, and nothing happens, without an error."""
    subscriber = logical.subscriber
    subscriber.configure(max_logical_replication_workers="1")
    subscriber.restart()
    rig = watch(logical)
    upstream = sql.Literal(logical.publisher.dsn(DATABASE, REPLICATOR)).as_string()
    on_subscriber(
        logical, f"CREATE SUBSCRIPTION second CONNECTION {upstream} PUBLICATION pg_3 WITH (copy_data = false)"
    )
    rig.mark()
    incident = rig.expect(
        rule="replication_cut_off", cause="apply_workers_exhausted", verdict="cut_off", link="/second"
    )
    assert "max_logical_replication_workers = 1" in incident.causes[0].summary
    on_subscriber(logical, "DROP SUBSCRIPTION second")
    rig.expect_resolved()
    subscriber.configure(max_logical_replication_workers=None)
    subscriber.restart()

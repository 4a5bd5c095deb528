"""What is healthy raises nothing."""

import pytest

from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench
from leadline_streams.engines.postgresql.slots import HELD_BYTES
from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber
from tests.zoo.rig import Watch
from tests.zoo.sessions import reading

pytestmark = pytest.mark.control


def test_pgbench_burst(logical: Logical, watch: Watch) -> None:
    """Three hundred transactions a second, and a bulk change in the midst of them."""
    publisher, subscriber = logical.publisher, logical.subscriber
    subscriber.run("pgbench", "--initialize", "--init-steps=tp", subscriber.address(DATABASE))
    publisher.run("pgbench", "--initialize", "--quiet", publisher.address(DATABASE))
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    with pgbench(publisher, dbname=DATABASE, rate=300):
        on_publisher(
            logical,
            "INSERT INTO items SELECT id, 'burst' FROM generate_series(100000, 120000) AS id",
            "UPDATE items SET note = 'changed' WHERE id >= 100000",
            "DELETE FROM items WHERE id >= 100000",
        )
        rig.quiet(10.0)
    rig.quiet(5.0)


@pytest.mark.since(18)
def test_the_first_change_of_copied_rows(logical: Logical, watch: Watch) -> None:
    """A new table is copied and then changed: the server counts rows of another origin, and nothing is wrong."""
    subscriber = logical.subscriber
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    rig = watch(logical)
    table = "CREATE TABLE copied (id int PRIMARY KEY, note text)"
    on_subscriber(logical, table)
    on_publisher(logical, table, "INSERT INTO copied SELECT id, 'a' FROM generate_series(1, 100) AS id")
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    on_publisher(logical, "UPDATE copied SET note = 'b'")
    logical.fleet.wait_caught_up()
    rig.quiet(8.0)
    counted = "SELECT confl_update_origin_differs FROM pg_stat_subscription_stats WHERE subname = 'pg_3'"
    assert subscriber.value(counted) >= 100
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()


def test_a_busy_slot_and_a_long_report(logical: Logical, watch: Watch) -> None:
    """The slot keeps ever more log until the next snapshot, which no checkpoint brings; who only reads holds nothing.

    If it never let go, the gigabyte that it may keep would be gone in a minute.
    """
    publisher = logical.publisher
    publisher.configure(max_slot_wal_keep_size="1GB", max_wal_size="4GB")
    rig = watch(logical)
    kept = (
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots WHERE slot_name = 'pg_3'"
    )
    with reading(publisher, "pg_class"), rig.writing(publisher, dbname=DATABASE, size=4_000_000):
        eventually("the slot keeps much", lambda: publisher.value(kept) > HELD_BYTES, 60.0)
        rig.quiet(25.0)
    publisher.configure(max_slot_wal_keep_size=None, max_wal_size=None)


@pytest.mark.parametrize("end", ["publisher", "subscriber"])
def test_a_planned_restart(logical: Logical, watch: Watch, end: str) -> None:
    """Stopped and started again. The lost connection is counted as an apply error, and is none."""
    rig = watch(logical)
    server: Server = getattr(logical, end)
    server.restart()
    rig.quiet(10.0)

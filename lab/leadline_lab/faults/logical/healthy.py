"""Controls: logical replication that is healthy, of which nothing may be reported."""

from typing import Final

from leadline.errors import ProblemFound
from leadline_lab.faults.fault import Course, Fault, Prepared, Steady, control
from leadline_lab.faults.logical.copies import copied, slow_copy
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import pgbench, reading, writing
from leadline_streams.engines.postgresql.slots import HELD_BYTES

KEPT: Final = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots WHERE slot_name = %s"
DIFFERING: Final = "SELECT confl_update_origin_differs FROM pg_stat_subscription_stats WHERE subname = %s"
ROWS: Final = 100


@control(make_logical)
def subscriber_burst(logical: Logical) -> Course:
    """Three hundred transactions per second, and a bulk change among them."""
    publisher, subscriber, table = logical.publisher, logical.subscriber, logical.table
    subscriber.run("pgbench", "--initialize", "--init-steps=tp", subscriber.address(logical.database))
    publisher.run("pgbench", "--initialize", "--quiet", publisher.address(logical.database))
    logical.refresh()
    yield Prepared()
    with pgbench(publisher, dbname=logical.database, rate=300):
        logical.on_publisher(
            f"INSERT INTO {table} SELECT id, 'burst' FROM generate_series(100000, 120000) AS id",
            f"UPDATE {table} SET note = 'changed' WHERE id >= 100000",
            f"DELETE FROM {table} WHERE id >= 100000",
        )
        yield Steady(10.0)
    yield Steady(5.0)


@control(make_logical, since=18)
def the_first_change_of_copied_rows(logical: Logical) -> Course:
    """A new table is copied and then changed: the server counts rows of another origin, and nothing is wrong."""
    subscriber = logical.subscriber
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    yield Prepared()
    table = "CREATE TABLE copied (id int PRIMARY KEY, note text)"
    logical.on_subscriber(table)
    logical.on_publisher(table, f"INSERT INTO copied SELECT id, 'a' FROM generate_series(1, {ROWS}) AS id")
    logical.refresh()
    logical.on_publisher("UPDATE copied SET note = 'b'")
    logical.fleet.wait_caught_up()
    yield Steady(8.0)
    counted = subscriber.value(DIFFERING, [logical.subscription])
    if counted < ROWS:
        raise ProblemFound(f"the server counted {counted} rows of another origin, fewer than the {ROWS} changed ones")
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()


@control(make_logical)
def a_busy_slot_and_a_long_report(logical: Logical) -> Course:
    """A slot keeps more and more WAL until the next snapshot, and a report that only reads holds nothing.

    If the slot never released WAL, the gigabyte that it may keep would be used up within a minute.
    """
    publisher = logical.publisher
    publisher.configure(max_slot_wal_keep_size="1GB", max_wal_size="4GB")
    yield Prepared()
    kept = [logical.subscription]
    with reading(publisher, "pg_class"), writing(publisher, dbname=logical.database, size=4_000_000):
        eventually("the slot keeps much", lambda: publisher.value(KEPT, kept) > HELD_BYTES, 60.0)
        yield Steady(25.0)
    publisher.configure(max_slot_wal_keep_size=None, max_wal_size=None)


def _planned_restart(end: str) -> Fault[Logical]:
    @control(make_logical, variant=end)
    def a_planned_restart(logical: Logical) -> Course:
        """A server is restarted; the lost connection is counted as an apply error, and is none."""
        yield Prepared()
        (logical.publisher if end == "publisher" else logical.subscriber).restart()
        yield Steady(10.0)

    return a_planned_restart


PLANNED_RESTARTS: Final = tuple(map(_planned_restart, ("publisher", "subscriber")))


@control(make_logical)
def initial_copy_takes_long(logical: Logical) -> Course:
    """A large table is copied for longer than rules wait, and the subscription streams the others meanwhile."""
    slow_copy(logical, "large", rows=1000, row_s=0.025)
    yield Prepared()
    with writing(logical.publisher, dbname=logical.database, size=5_000):
        logical.alter("REFRESH PUBLICATION")
        yield Steady(20.0)
    copied(logical)

"""Apply workers that are busy: with tables that are read whole for each row, and with triggers."""

from collections.abc import Iterator

import pytest

from leadline_lab.faults.logical.apply import UPDATES
from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import watched

PLAIN = "CREATE TABLE plain (id int NOT NULL, note text)"
SLEEPS = """CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'"""


@pytest.fixture(params=[15, 18])
def logical(request: pytest.FixtureRequest, wild: Wild) -> Iterator[Logical]:
    wild.server_version = str(request.param)
    with Fleet(binaries_for(request.param)) as fleet:
        logical = make_logical(fleet)
        fleet.wait_caught_up()
        yield logical


@pytest.mark.situation(
    158, "REPLICA IDENTITY FULL and no index that fits", "2ndQuadrant/pglogical#39", "readysettech/readyset#568"
)
def test_a_table_that_is_read_whole_for_each_row(wild: Wild, logical: Logical) -> None:
    """The table is named, and what to give it."""
    logical.on_subscriber(PLAIN)
    logical.on_publisher(
        PLAIN,
        "ALTER TABLE plain REPLICA IDENTITY FULL",
        "INSERT INTO plain SELECT id, 'a' FROM generate_series(1, 100000) AS id",
    )
    logical.refresh()
    with watched([logical.publisher, logical.subscriber], logical.database, settled=True) as seen:
        wild.begins()
        logical.on_publisher(UPDATES)
        with writing(logical.publisher, dbname=logical.database):
            cause = seen.names("apply_cannot_keep_up", 60.0, above=0.65)
            wild.answers(cause.summary)
            assert "each update or delete reads public.plain (100000 rows) whole" in cause.summary
            assert "replica identity" in cause.fix
            logical.on_subscriber("ALTER TABLE plain ADD PRIMARY KEY (id)")


@pytest.mark.situation(159, "A trigger that fires for replicated rows is slow", "2ndQuadrant/pglogical#39")
def test_a_trigger_that_takes_long(wild: Wild, logical: Logical) -> None:
    """The trigger is named with its table."""
    logical.on_subscriber(
        SLEEPS,
        "CREATE TRIGGER audit AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION audit()",
        "ALTER TABLE items ENABLE ALWAYS TRIGGER audit",
    )
    with watched([logical.publisher, logical.subscriber], logical.database, settled=True) as seen:
        wild.begins()
        for start in range(10000, 11000, 10):
            logical.on_publisher(f"INSERT INTO items SELECT id, 'x' FROM generate_series({start}, {start + 9}) AS id")
        with writing(logical.publisher, dbname=logical.database):
            cause = seen.names("apply_cannot_keep_up", 60.0, above=0.6)
            wild.answers(cause.summary)
            assert "each replicated row fires trigger audit on public.items" in cause.summary
            logical.on_subscriber("ALTER TABLE items DISABLE TRIGGER audit")

"""Updates and deletes that a publisher refuses, for each reason that PostgreSQL has."""

from collections.abc import Iterator

import psycopg
import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

APP = "app"
GENERATED = (
    "CREATE TABLE orders (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)",
    "ALTER TABLE orders REPLICA IDENTITY FULL",
    "CREATE PUBLICATION shop FOR TABLE orders",
)
FILTERED = (
    "CREATE TABLE orders (id int PRIMARY KEY, kind text)",
    "CREATE PUBLICATION shop FOR TABLE orders WHERE (kind = 'new')",
)
LISTED = (
    "CREATE TABLE orders (id int PRIMARY KEY, kind text, price int)",
    "CREATE PUBLICATION shop FOR TABLE orders (kind, price)",
)
LOST_INDEX = (
    "CREATE TABLE orders (id int NOT NULL CONSTRAINT orders_key UNIQUE, kind text)",
    "ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_key",
    "ALTER TABLE orders DROP CONSTRAINT orders_key",
    "CREATE PUBLICATION shop FOR TABLE orders",
)
PARTITION = (
    "CREATE TABLE orders (id int, kind text) PARTITION BY RANGE (id)",
    "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (1000)",
    "INSERT INTO orders VALUES (1, 'a')",
    "UPDATE orders SET kind = 'b'",
    "CREATE PUBLICATION shop FOR TABLE orders WITH (publish_via_partition_root = true)",
)
DEFERRED = (
    "CREATE TABLE orders (id int PRIMARY KEY DEFERRABLE)",
    "INSERT INTO orders VALUES (2)",
    "UPDATE orders SET id = 3",
    "CREATE PUBLICATION shop FOR ALL TABLES",
)
NEVER_CHANGED = ("CREATE TABLE orders (id int PRIMARY KEY DEFERRABLE)", "CREATE PUBLICATION shop FOR ALL TABLES")
HEALTHY = (
    "CREATE TABLE orders (id int PRIMARY KEY, kind text)",
    "CREATE TABLE events (id int)",
    "INSERT INTO events VALUES (1)",
    "CREATE TABLE wide (id int, kind text)",
    "ALTER TABLE wide REPLICA IDENTITY FULL",
    "CREATE TABLE logged (id int, kind text)",
    "INSERT INTO logged VALUES (1, 'a')",
    "UPDATE logged SET kind = 'b'",
    "CREATE PUBLICATION shop FOR TABLE orders WHERE (id > 5), events, wide",
    "CREATE PUBLICATION inserts FOR TABLE logged WITH (publish = 'insert')",
)


@pytest.fixture
def publisher(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Fleet(binaries_for(getattr(request, "param", 18))) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {APP}")
        yield publisher


@pytest.mark.parametrize(
    ("publisher", "definition", "why"),
    [
        pytest.param(18, GENERATED, "generated column twice of its identity is not published", marks=pytest.mark.quick),
        (18, FILTERED, "the row filter of publication shop uses column kind, not in the identity"),
        (18, LISTED, "the column list of publication shop lacks column id of the identity"),
        (18, LOST_INDEX, "public.orders"),
        (18, PARTITION, "public.orders_1"),
        (18, DEFERRED, "its key (id) is deferrable, which is no replica identity"),
        (18, NEVER_CHANGED, "its key (id) is deferrable, which is no replica identity"),
        (15, FILTERED, "the row filter of publication shop uses column kind, not in the identity"),
        (15, PARTITION, "public.orders_1"),
    ],
    ids=[
        "generated",
        "filter",
        "list",
        "index",
        "partition",
        "deferrable",
        "unchanged",
        "filter-15",
        "partition-15",
    ],
    indirect=["publisher"],
)
@pytest.mark.situation(20, "UPDATE refused on the publisher", "dailydotdev/daily-api#4008", "dbtrail#828")
def test_updates_that_are_refused(
    publisher: Server, definition: tuple[str, ...], why: str, wild: Wild, request: pytest.FixtureRequest
) -> None:
    """The table and the reason are named although no counter of the server shows a refused statement."""
    wild.server_version = str(publisher.major)
    publisher.execute(*definition, dbname=APP)
    with pytest.raises(psycopg.Error, match="cannot update table"):
        publisher.execute("INSERT INTO orders (id) VALUES (4)", "UPDATE orders SET id = 5", dbname=APP)
    wild.begins()
    with watched([publisher], APP) as seen:
        fired = seen.fires("identity_missing")
        cause = seen.names("replica_identity_missing")
        assert why in cause.summary
        assert f"on {address(publisher)}" in fired.summary
        assert cause.steps[0].risk == "look"
        assert not any(step.risk == "destructive" for step in cause.steps)
        wild.answers(cause.summary)


@pytest.mark.situation(720, "Tables whose updates nobody refuses", "dbtrail#828")
def test_tables_that_are_published_as_they_should(publisher: Server, wild: Wild) -> None:
    """An identity that fits, rows that are only inserted, and updates that are not published."""
    publisher.execute(*HEALTHY, dbname=APP)
    publisher.execute(
        "UPDATE orders SET kind = 'x'", "UPDATE wide SET kind = 'x'", "UPDATE logged SET kind = 'c'", dbname=APP
    )
    with watched([publisher], APP) as seen:
        seen.quiet(12.0)
    wild.raises_nothing()

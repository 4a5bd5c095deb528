"""Tables that are replicated on one side only: nothing fails, nothing is late, and rows are missing."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import watched

TABLES = "CREATE TABLE items (id int PRIMARY KEY)"
ORDERS = "CREATE TABLE orders (id int PRIMARY KEY)"


@pytest.fixture
def logical() -> Iterator[tuple[Server, Server]]:
    """A publisher of all tables and its subscriber."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query("CREATE DATABASE app")
        publisher.query(TABLES, dbname="app")
        subscriber = fleet.subscriber("pg-3", publisher, schema=TABLES)
        fleet.wait_caught_up()
        yield publisher, subscriber


@pytest.mark.situation(
    113, "A new table of a publication, and no refresh", "enova/pgl_ddl_deploy#68", "pgpartman/pg_partman#307"
)
def test_a_table_that_was_created_later(wild: Wild, run: Run, logical: tuple[Server, Server]) -> None:
    """Looking begins after it; watch and check name the table and the statement."""
    publisher, subscriber = logical
    for server in logical:
        server.query(ORDERS, dbname="app")
    publisher.query("INSERT INTO orders SELECT generate_series(1, 500)", dbname="app")
    with watched(logical, "app") as seen:
        wild.begins()
        cause = seen.names("publication_not_refreshed", above=0.9)
        wild.answers(cause.summary)
        assert "public.orders" in cause.summary
    result = run("check", publisher.dsn("app", AGENT), subscriber.dsn("app", AGENT))
    assert "public.orders" in result.out
    assert "REFRESH PUBLICATION" in result.out


@pytest.mark.situation(114, "A table is dropped from a publication", "triggerdotdev/trigger.dev#2736")
def test_a_table_that_left_its_publication(wild: Wild, logical: tuple[Server, Server]) -> None:
    """The subscription calls it ready, and its changes are not sent."""
    publisher, subscriber = logical
    for server in logical:
        server.query(ORDERS, dbname="app")
    publisher.query("DROP PUBLICATION pg_3", dbname="app")
    publisher.query("CREATE PUBLICATION pg_3 FOR TABLE items, orders", dbname="app")
    subscriber.query("ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION", dbname="app")
    publisher.query("ALTER PUBLICATION pg_3 DROP TABLE items", dbname="app")
    with watched(logical, "app") as seen:
        wild.begins()
        cause = seen.names("publication_not_refreshed", above=0.8)
        wild.answers(cause.summary)
        assert cause.summary.startswith("public.items")


@pytest.mark.situation(
    115, "A column that the subscriber generates is sent", "PostgreSQL docs: Generated Column Replication"
)
def test_a_column_that_is_generated(wild: Wild, logical: tuple[Server, Server]) -> None:
    """It is not missing: adding it would fail."""
    publisher, subscriber = logical
    publisher.query("ALTER TABLE items ADD twice int", dbname="app")
    subscriber.query("ALTER TABLE items ADD twice int GENERATED ALWAYS AS (id * 2) STORED", dbname="app")
    publisher.query("INSERT INTO items VALUES (1, 2)", dbname="app")
    with watched(logical, "app") as seen:
        wild.begins()
        cause = seen.names("subscriber_schema_drift", 40.0, above=0.9)
        wild.answers(cause.summary)
        assert "column twice of public.items is generated there" in cause.summary
        assert "ADD COLUMN" not in str(cause.steps)
        (repair,) = [step.sql for step in cause.steps if step.risk == "careful"]
        assert repair is not None
    subscriber.query(repair, dbname="app")
    subscriber.query("SELECT pg_sleep(1)", dbname="app")
    assert subscriber.value("SELECT attgenerated FROM pg_attribute WHERE attname = 'twice'", dbname="app") == ""


@pytest.mark.situation(
    172, "An enum has no such label on the subscriber", "clickhouse.com: Managed Postgres migrations FAQ"
)
def test_an_enum_that_lacks_a_label(wild: Wild, run: Run) -> None:
    """The label and the statement are named; the statement lets apply go on. A label more is no difference."""
    schema = "CREATE TYPE mood AS ENUM ('sad'{}); CREATE TABLE items (id int PRIMARY KEY, mood mood)"
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query("CREATE DATABASE app")
        publisher.query(schema.format(""), dbname="app")
        subscriber = fleet.subscriber("pg-3", publisher, schema=schema.format(", 'own'"))
        fleet.wait_caught_up()
        publisher.query("ALTER TYPE mood ADD VALUE 'it''s ok'", dbname="app")
        publisher.query("INSERT INTO items VALUES (1, 'it''s ok')", dbname="app")
        with watched((publisher, subscriber), "app") as seen:
            wild.begins()
            cause = seen.names("subscriber_schema_drift", 40.0, above=0.8)
            wild.answers(cause.summary)
            assert "type public.mood of column mood of public.items has no label 'it''s ok'" in cause.summary
            (repair,) = [step.sql for step in cause.steps if step.risk == "careful"]
            assert repair == "ALTER TYPE public.mood ADD VALUE 'it''s ok'"
            result = run("check", publisher.dsn("app", AGENT), subscriber.dsn("app", AGENT))
            assert "has no label 'it''s ok'" in result.out, result.out
            subscriber.query(repair, dbname="app")
            seen.ends()


@pytest.mark.situation(
    173,
    "A publication goes over to the root of partitions",
    "spiceai/spiceai#11290",
    "PostgreSQL docs: CREATE PUBLICATION",
)
def test_a_publication_by_the_root(wild: Wild, run: Run) -> None:
    """The subscription has the partitions; changes of the root are ignored, and the rows are there already."""
    schema = (
        "CREATE TABLE orders (id int, kind int, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind); "
        "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES IN (1)"
    )
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query("CREATE DATABASE app")
        publisher.query(schema, dbname="app")
        subscriber = fleet.subscriber("pg-3", publisher, schema=schema)
        fleet.wait_caught_up()
        publisher.query("ALTER PUBLICATION pg_3 SET (publish_via_partition_root = true)", dbname="app")
        publisher.query("INSERT INTO orders VALUES (1, 1)", dbname="app")
        wild.begins()
        result = run("check", publisher.dsn("app", AGENT), subscriber.dsn("app", AGENT))
        assert "publishes public.orders, and subscription pg_3" in result.out, result.out
        assert "copy_data = false" in result.out
        wild.answers(next(line for line in result.out.splitlines() if line.startswith("cause")))


@pytest.mark.situation(
    174, "A table has no primary key on the subscriber", "PostgreSQL docs: Logical Replication, Publication"
)
def test_a_table_without_a_key_on_the_subscriber(wild: Wild) -> None:
    """The tables have the same columns; inserts are applied, and the first update is not."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query("CREATE DATABASE app")
        publisher.query(TABLES, dbname="app")
        subscriber = fleet.subscriber("pg-3", publisher, schema="CREATE TABLE items (id int NOT NULL)")
        publisher.query("INSERT INTO items VALUES (1)", dbname="app")
        fleet.wait_caught_up()
        publisher.query("UPDATE items SET id = 2", dbname="app")
        with watched((publisher, subscriber), "app") as seen:
            wild.begins()
            cause = seen.names("subscriber_schema_drift", 40.0)
            wild.answers(cause.summary)
            assert "public.items has no primary key or replica identity there" in cause.summary
            assert "CREATE TABLE" not in cause.fix
            subscriber.query("ALTER TABLE items ADD PRIMARY KEY (id)", dbname="app")
            seen.ends()


@pytest.mark.situation(
    197,
    "A subscription came with a dump: it is disabled, and its publisher has no slot",
    "rudderlabs/rudder-server#7108",
    "PostgreSQL docs: Logical Replication, Subscription",
)
def test_a_subscription_from_a_dump(wild: Wild, run: Run) -> None:
    """Both servers are watched, so no other one is asked for; the steps create the slot and copy the rows."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = fleet.primary("pg-1"), fleet.primary("pg-3")
        for server in (publisher, subscriber):
            server.query("CREATE DATABASE app")
            server.query(TABLES, dbname="app")
        publisher.query("CREATE PUBLICATION pub FOR ALL TABLES", dbname="app")
        publisher.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname="app")
        publisher.query("INSERT INTO items VALUES (1)", dbname="app")
        to = sql.Literal(publisher.dsn("app", REPLICATOR)).as_string()
        subscriber.query(
            f"CREATE SUBSCRIPTION sub CONNECTION {to} PUBLICATION pub WITH (connect = false)", dbname="app"
        )
        wild.begins()
        with watched((publisher, subscriber), "app") as seen:
            cause = seen.names("subscription_disabled_by_operator", above=0.9)
            wild.answers(cause.summary)
            create = "SELECT pg_create_logical_replication_slot('sub', 'pgoutput')"
            assert create in cause.fix
            result = run("check", publisher.dsn("app", AGENT), subscriber.dsn("app", AGENT))
            assert create in result.out, result.out
            assert "has the publications of subscription sub" in result.out, result.out
            assert "give the connection string" not in result.out
            publisher.query(create, dbname="app")
            for statement in ("ENABLE", "REFRESH PUBLICATION"):
                subscriber.query(f"ALTER SUBSCRIPTION sub {statement}", dbname="app")
            eventually("its row is there", lambda: bool(subscriber.query("SELECT 1 FROM items", dbname="app")))
            seen.ends()

"""Tables that have another name, or none, on one side: statements that change tables are not replicated."""

from collections.abc import Callable

import pytest

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import watched

Break = Callable[[Server, Server], None]


def renamed(publisher: Server, _: Server) -> None:
    """A migration renamed the table on the publisher."""
    publisher.query("ALTER TABLE items RENAME TO goods", dbname=DATABASE)
    publisher.query("INSERT INTO goods VALUES (2, 'b')", dbname=DATABASE)


def moved(publisher: Server, subscriber: Server) -> None:
    """A person moved the table to another schema on the subscriber."""
    subscriber.execute("CREATE SCHEMA shop", "ALTER TABLE items SET SCHEMA shop", dbname=DATABASE)
    publisher.query("INSERT INTO items VALUES (2, 'b')", dbname=DATABASE)


@pytest.mark.parametrize(
    ("happens", "statement", "table"),
    [
        (renamed, "ALTER TABLE public.items RENAME TO goods", "goods"),
        (moved, "ALTER TABLE shop.items SET SCHEMA public", "items"),
    ],
)
@pytest.mark.situation(
    183,
    "A table of a subscription was renamed on one side",
    "enova/pgl_ddl_deploy#68",
    "PostgreSQL docs: Logical Replication, Restrictions",
)
def test_a_table_with_another_name(wild: Wild, run: Run, happens: Break, statement: str, table: str) -> None:
    """Looking begins after it. A new table of that name would be left out: the rename is proposed, and repairs it."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        fleet.wait_caught_up()
        happens(publisher, subscriber)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("subscriber_schema_drift", 40.0, above=0.9)
            wild.answers(cause.summary)
            assert "one of the two was renamed" in cause.summary
            assert [step.sql for step in cause.steps if step.risk == "careful"] == [statement]
            assert "CREATE TABLE" not in cause.fix
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert statement in result.out, result.out
            subscriber.query(statement, dbname=DATABASE)
            count = f"SELECT count(*) = 2 FROM {table}"
            eventually("both rows are there", lambda: bool(subscriber.value(count, dbname=DATABASE)))
            seen.ends()


@pytest.mark.situation(
    184,
    "A new table of a publication that the subscriber lacks",
    "enova/pgl_ddl_deploy#68",
    "pgpartman/pg_partman#307",
    "2ndQuadrant/pglogical#213",
)
def test_a_table_that_the_subscriber_lacks(wild: Wild) -> None:
    """Changes that arrive while it is not subscribed to are left out, so the steps end with a refresh."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS)
        fleet.wait_caught_up()
        publisher.query("CREATE TABLE orders (id int PRIMARY KEY)", dbname=DATABASE)
        publisher.query("INSERT INTO orders VALUES (1)", dbname=DATABASE)
        with watched((publisher, subscriber), DATABASE) as seen:
            wild.begins()
            cause = seen.names("subscriber_schema_drift", 40.0, above=0.9)
            wild.answers(cause.summary)
            assert "there is no table public.orders" in cause.summary
            last = cause.steps[-1].sql
            assert last == "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION"
            subscriber.query("CREATE TABLE orders (id int PRIMARY KEY)", dbname=DATABASE)
            subscriber.query(last, dbname=DATABASE)
            count = "SELECT count(*) = 1 FROM orders"
            eventually("its row is there", lambda: bool(subscriber.value(count, dbname=DATABASE)))
            seen.ends()

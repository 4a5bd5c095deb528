"""One server with several databases, each with a subscription of the same name."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from psycopg import sql

from leadline_lab.faults.topologies import ITEMS
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

SOURCES = ("2ndQuadrant/pglogical#110", "rtshome/pgrepup#12", "singer-io/tap-postgres#18")
DATABASES = ("orders", "billing")


@dataclass
class Tenants:
    """A publisher and a subscriber, each with the same databases."""

    publisher: Server
    subscriber: Server

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.publisher, self.subscriber

    @property
    def dsns(self) -> tuple[str, str]:
        return self.publisher.dsn("orders", AGENT), self.subscriber.dsn("orders", AGENT)


def ready(subscriber: Server, database: str) -> bool:
    """Whether the tables of a database's subscription are copied."""
    return bool(subscriber.value("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel", dbname=database))


@pytest.fixture
def tenants() -> Iterator[Tenants]:
    """Publication ``pub`` and subscription ``sub`` in each database, with slots that are named after the databases."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = fleet.primary("pg-1"), fleet.primary("pg-3")
        for database in DATABASES:
            for server in (publisher, subscriber):
                server.query(f"CREATE DATABASE {database}")
                server.query(ITEMS, dbname=database)
            publisher.query("CREATE PUBLICATION pub FOR ALL TABLES", dbname=database)
            publisher.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}", dbname=database)
            to = sql.Literal(publisher.dsn(database, REPLICATOR)).as_string()
            subscriber.query(
                f"CREATE SUBSCRIPTION sub CONNECTION {to} PUBLICATION pub WITH (slot_name = 'sub_{database}')",
                dbname=database,
            )
            eventually("it is copied", partial(ready, subscriber, database))
        yield Tenants(publisher, subscriber)


@pytest.mark.quick
@pytest.mark.situation(181, "Subscriptions of one name in two databases, at work", *SOURCES)
def test_each_has_a_link_of_its_own(wild: Wild, run: Run, tenants: Tenants) -> None:
    """Both are shown with their databases, and nothing is raised while both are written."""
    with watched(tenants.servers, "orders") as seen:
        seen.until("both are linked", lambda: len(seen.links) == len(DATABASES))
        for number in range(8):
            for database in DATABASES:
                tenants.publisher.query(f"INSERT INTO items VALUES ({number}, 'a')", dbname=database)
            seen.look()
        seen.quiet(4.0)
        assert {link.name for link in seen.links} == {"sub@orders", "sub@billing"}
        assert {link.slot for link in seen.links} == {"sub_orders", "sub_billing"}
        assert not seen.pending & {"apply_error", "subscription_without_worker"}
    result = run("check", *tenants.dsns)
    assert result.code == 0, result.out
    wild.raises_nothing()


@pytest.mark.situation(181, "Subscriptions of one name in two databases, and one fails", *SOURCES)
def test_the_one_that_fails_is_named_and_the_other_is_not(wild: Wild, run: Run, tenants: Tenants) -> None:
    """The statements are for the database of that one; its counters are not those of the other."""
    tenants.subscriber.query("INSERT INTO items VALUES (1, 'own')", dbname="billing")
    with watched(tenants.servers, "orders") as seen:
        seen.until("both are linked", lambda: len(seen.links) == len(DATABASES))
        wild.begins()
        tenants.publisher.query("INSERT INTO items VALUES (1, 'sent')", dbname="billing")
        cause = seen.names("subscriber_duplicate_key", above=0.9)
        wild.answers(cause.summary)
        assert cause.summary.startswith(f"subscription sub@billing on {address(tenants.subscriber)} cannot apply")
        assert {step.database for step in cause.steps if step.sql and "SUBSCRIPTION" in step.sql} == {"billing"}
        assert "ALTER SUBSCRIPTION sub SKIP" in cause.fix
        assert "sub@orders" not in str(seen.incidents())
        tenants.subscriber.query("DELETE FROM items", dbname="billing")
        seen.ends()
    result = run("check", *tenants.dsns)
    assert result.code == 0, result.out

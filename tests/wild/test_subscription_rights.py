"""Subscriptions whose worker lacks a right on the tables that it writes, with the server log and without it."""

from collections.abc import Callable

import pytest

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import GRANTS, LOGGED
from tests.wild.watching import address, watched

SOURCES = (
    "PostgreSQL docs: Logical Replication, Security",
    "powersync-ja/powersync-service#275",
    "MaterializeInc/materialize#22249",
    "citusdata/citus#7171",
)
OWNER = (
    "CREATE ROLE shop_owner LOGIN IN ROLE pg_create_subscription",
    f"GRANT CREATE ON DATABASE {DATABASE} TO shop_owner",
)


def row_security(subscriber: Server) -> None:
    """The subscription belongs to a role without BYPASSRLS and runs as it, and the table has row security."""
    subscriber.execute(
        *OWNER,
        "GRANT ALL ON items TO shop_owner",
        "ALTER SUBSCRIPTION pg_3 SET (run_as_owner = true)",
        "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
        dbname=DATABASE,
    )


def act_as(subscriber: Server) -> None:
    """The table belongs to a role that the subscription's owner is not a member of."""
    subscriber.execute(
        *OWNER,
        "CREATE ROLE app",
        "ALTER TABLE items OWNER TO app",
        "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
        dbname=DATABASE,
    )


def forced(subscriber: Server) -> None:
    """The worker acts as the owner of the table, and row security is forced on that one too."""
    subscriber.execute(
        "CREATE ROLE app",
        "ALTER TABLE items OWNER TO app",
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE items FORCE ROW LEVEL SECURITY",
        dbname=DATABASE,
    )


def revoked(subscriber: Server) -> None:
    """A person made the table read-only for its owner, as which the worker acts."""
    subscriber.execute(
        "CREATE ROLE app",
        "ALTER TABLE items OWNER TO app",
        "REVOKE INSERT, UPDATE ON items FROM app",
        dbname=DATABASE,
    )


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize(
    ("break_it", "says", "repair"),
    [
        (row_security, "row security of public.items applies to shop_owner", "ALTER ROLE shop_owner BYPASSRLS"),
        (forced, "row security of public.items applies to app", "ALTER ROLE app BYPASSRLS"),
        (act_as, "shop_owner, who owns it, may not act as app, who owns public.items", "GRANT app TO shop_owner"),
        (
            revoked,
            "lacks INSERT, UPDATE on public.items",
            "GRANT INSERT, UPDATE ON public.items TO app",
        ),
    ],
)
@pytest.mark.situation(194, "A subscription's worker lacks a right on a table", *SOURCES)
def test_a_right_that_the_worker_lacks(
    wild: Wild, run: Run, break_it: Callable[[Server], None], says: str, repair: str, readable: bool
) -> None:
    """Looking begins after the break. The right and the role are named; the statement that gives it is the fix."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS, settings=LOGGED if readable else {})
        if readable:
            subscriber.query(GRANTS, dbname=DATABASE)
        fleet.wait_caught_up()
        break_it(subscriber)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("apply_refused", above=0.9)
            seen.until("the right is named", lambda: says in seen.causes()[0].summary)
            cause = seen.causes()[0]
            wild.answers(cause.summary)
            assert address(subscriber) in cause.summary
            assert [step.sql for step in cause.steps if step.risk == "careful"] == [repair]
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert repair in result.out, result.out
            subscriber.query(repair, dbname=DATABASE)
            seen.ends()


@pytest.mark.situation(196, "The copy of a new table may not write it", *SOURCES)
def test_a_copy_that_may_not_write(wild: Wild, run: Run) -> None:
    """The server log is not read: the catalogs show it. Nobody is made a member of a superuser."""
    with Fleet(plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS)
        fleet.wait_caught_up()
        for server in (publisher, subscriber):
            server.query("CREATE TABLE later (id int PRIMARY KEY)", dbname=DATABASE)
        subscriber.execute(
            *OWNER,
            "ALTER TABLE items OWNER TO shop_owner",
            "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
            "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION",
            dbname=DATABASE,
        )
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            seen.names("table_sync_failing", above=0.9)
            seen.until("the right is named", lambda: "may not act as postgres" in str(seen.causes()))
            wild.answers(seen.causes()[0].summary)
            assert "ALTER TABLE public.later OWNER TO shop_owner" in seen.causes()[0].fix
            assert "GRANT postgres" not in str(seen.causes())
            subscriber.query("ALTER TABLE public.later OWNER TO shop_owner", dbname=DATABASE)
            seen.ends()


@pytest.mark.situation(195, "A subscription of 15 belongs to a role that is no superuser any more", *SOURCES)
def test_an_owner_without_rights_on_15(wild: Wild) -> None:
    """Before 16 the worker acts as the owner of the subscription."""
    wild.server_version = "15"
    with Fleet(binaries_for(15), plain=True) as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS)
        fleet.wait_caught_up()
        subscriber.execute(
            "CREATE ROLE shop_owner LOGIN SUPERUSER",
            "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
            "ALTER ROLE shop_owner NOSUPERUSER",
            dbname=DATABASE,
        )
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            seen.until("the role is named", lambda: "shop_owner" in str(seen.causes()), 40.0)
            cause = next(each for each in seen.causes() if "shop_owner" in each.summary)
            wild.answers(cause.summary)
            assert "lacks SELECT, INSERT, UPDATE, DELETE, TRUNCATE on public.items" in cause.summary
            assert {step.risk for step in cause.steps} <= {"look", "careful"}

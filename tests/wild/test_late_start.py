"""Looking begins when a subscription has failed for a while. The first look has the tables, the next ones do not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadline_lab.faults.topologies import DATABASE, ITEMS, LOGGED, Logical
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

GRANTS = (Path(__file__).parents[2] / "deploy" / "sql" / "server_log.sql").read_text()
FAILED = "SELECT apply_error_count FROM pg_stat_subscription_stats"
WITHIN_S = 15.0
"""From the beginning of looking."""


@pytest.fixture
def logical() -> Iterator[Logical]:
    """A publisher and a subscriber, whose server log the agent may read: nothing else names the table of a conflict."""
    with Fleet() as fleet:
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        proxy = fleet.proxy(publisher)
        subscriber = fleet.subscriber("pg-3", publisher, schema=ITEMS, settings=LOGGED)
        subscriber.query(GRANTS, dbname=DATABASE)
        fleet.wait_caught_up()
        yield Logical(fleet, publisher, subscriber, proxy)


def duplicate_key(logical: Logical) -> None:
    """A row with the key of one that is to come."""
    logical.on_subscriber("INSERT INTO items VALUES (1, 'here')")
    logical.on_publisher("INSERT INTO items VALUES (1, 'there')")


def missing_column(logical: Logical) -> None:
    """A column that only the publisher has."""
    logical.on_publisher("ALTER TABLE items ADD COLUMN price int", "INSERT INTO items VALUES (1, 'there', 5)")


@pytest.mark.quick
@pytest.mark.situation(
    19, "Looking begins when apply fails already", "PostgreSQL documentation: Logical Replication, Conflicts"
)
@pytest.mark.parametrize(
    ("fail", "code", "named"),
    [
        (duplicate_key, "subscriber_duplicate_key", "public.items"),
        (missing_column, "subscriber_schema_drift", "public.items has no column price (integer)"),
    ],
)
@pytest.mark.parametrize("behind", [False, True], ids=["publisher first", "subscriber first"])
def test_a_subscription_that_fails_already(
    wild: Wild, logical: Logical, fail: Callable[[Logical], None], code: str, named: str, behind: bool
) -> None:
    """The cause is named with its table, whichever server is read first."""
    fail(logical)
    eventually("apply fails", lambda: logical.subscriber.value(FAILED, dbname=DATABASE) > 0, 20.0)
    servers = [logical.publisher, logical.subscriber]
    dsns = [server.dsn(DATABASE, AGENT) for server in (reversed(servers) if behind else servers)]
    wild.begins()
    with Watching(*dsns, for_s=5.0) as now:
        now.until(f"{code} is first", lambda: now.cause(code), WITHIN_S)
        cause = now.cause(code)
        assert cause is not None
        assert named in cause.summary, now.history()
        assert cause.confidence >= 0.9
        wild.answers(cause.summary)

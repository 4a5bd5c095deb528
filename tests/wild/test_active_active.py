"""Two servers that subscribe to each other with origin = none."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest
from psycopg import sql

from leadline_lab.faults.topologies import Logical, make_logical
from leadline_lab.sandbox.fleet import REPLICATOR, Fleet, ReplicationLink
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.postgres_versions import binaries_for
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, watched

COUNTED = "SELECT confl_update_origin_differs FROM pg_stat_subscription_stats WHERE subname = %s"
TURN_S = 1.5


@contextmanager
def both_ways() -> Iterator[Logical]:
    """Two servers, each with a subscription to the other, that count rows of another origin."""
    with Fleet(binaries_for(18)) as fleet:
        logical = make_logical(fleet)
        one, other = logical.publisher, logical.subscriber
        for server in (one, other):
            server.configure(track_commit_timestamp="on")
            server.restart()
        fleet.wait_caught_up()
        logical.on_subscriber(f"CREATE PUBLICATION back FOR TABLE {logical.table}")
        logical.alter("SET (origin = none)")
        address = sql.Literal(other.dsn(logical.database, REPLICATOR)).as_string()
        logical.on_publisher(
            f"CREATE SUBSCRIPTION back CONNECTION {address} PUBLICATION back WITH (copy_data = false, origin = none)"
        )
        fleet.links.append(ReplicationLink(other, one, "back", logical.database))
        fleet.wait_caught_up()
        yield logical


def known(seen: Watching) -> None:
    """Wait until both links are healthy."""

    def healthy() -> bool:
        return len(seen.links) == 2 and all(link.connected for link in seen.links)

    seen.until("both directions stream", healthy)


@pytest.mark.situation(21, "Active/active that never crosses", "pglogical#24", "pglogical#274", "pglogical#150")
def test_two_servers_that_take_turns(wild: Wild) -> None:
    """Rows made on one side and changed on the other, in both directions: each counts, and nothing is wrong."""
    with both_ways() as logical:
        ends = [(logical.on_publisher, logical.on_subscriber), (logical.on_subscriber, logical.on_publisher)]
        with watched([logical.publisher, logical.subscriber], logical.database) as seen:
            known(seen)
            for turn in range(6):
                make, change = ends[turn % 2]
                make(f"INSERT INTO {logical.table} VALUES ({8000 + turn}, 'made')")
                Event().wait(TURN_S)
                change(f"UPDATE {logical.table} SET note = 'changed' WHERE id = {8000 + turn}")
                logical.fleet.wait_caught_up()
            seen.quiet(8.0)
        counted = [logical.publisher.value(COUNTED, ["back"]), logical.subscriber.value(COUNTED, ["pg_3"])]
        assert min(counted) >= 3, counted
    wild.raises_nothing()


@pytest.mark.situation(730, "Active/active that crosses while the two are apart", "pglogical#274")
def test_two_servers_that_change_the_same_row(wild: Wild) -> None:
    """Each ends with the other's value, and no error is counted."""
    with both_ways() as logical, watched([logical.publisher, logical.subscriber], logical.database) as seen:
        known(seen)
        update = f"UPDATE {logical.table} SET note = '{{}}' WHERE id = 8100"
        logical.on_publisher(f"INSERT INTO {logical.table} VALUES (8100, 'before')")
        logical.fleet.wait_caught_up()
        logical.disable()
        logical.on_publisher("ALTER SUBSCRIPTION back DISABLE", update.format("one"))
        logical.on_subscriber(update.format("other"))
        wild.begins()
        logical.alter("ENABLE")
        logical.on_publisher("ALTER SUBSCRIPTION back ENABLE")
        seen.fires("apply_conflict")
        wild.answers(seen.names("multi_writer_swap").summary)
        note = f"SELECT note FROM {logical.table} WHERE id = 8100"
        ends = (logical.publisher, logical.subscriber)
        eventually(
            "the values are swapped",
            lambda: [server.value(note, dbname=logical.database) for server in ends] == ["other", "one"],
            10.0,
        )

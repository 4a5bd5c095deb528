"""Two servers subscribe to each other."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from psycopg import sql

from leadline_lab.sandbox.fleet import REPLICATOR, Link
from leadline_lab.sandbox.wait import eventually
from leadline_streams.engines.postgresql import counters
from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber, switch_off, switch_on
from tests.zoo.rig import Watch


@contextmanager
def both_ways(logical: Logical, origin: str) -> Iterator[None]:
    """pg-1 subscribes to pg-3 in turn."""
    one, other = logical.publisher, logical.subscriber
    for server in (one, other):
        server.configure(track_commit_timestamp="on")
        server.restart()
    on_subscriber(
        logical, "CREATE PUBLICATION back FOR TABLE items", f"ALTER SUBSCRIPTION pg_3 SET (origin = {origin})"
    )
    upstream = sql.Literal(other.dsn(DATABASE, REPLICATOR)).as_string()
    on_publisher(
        logical,
        f"CREATE SUBSCRIPTION back CONNECTION {upstream} PUBLICATION back WITH (copy_data = false, origin = {origin})",
    )
    streams = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
    eventually("both stream", lambda: bool(one.query(streams, ["pg_3"]) and other.query(streams, ["back"])), 15.0)
    link = Link(other, one, "back", DATABASE)
    logical.fleet.links.append(link)
    try:
        yield
    finally:
        logical.fleet.links.remove(link)
        on_publisher(logical, "DROP SUBSCRIPTION back")
        on_subscriber(logical, "DROP PUBLICATION back", "ALTER SUBSCRIPTION pg_3 SET (origin = any)")
        for server in (one, other):
            server.configure(track_commit_timestamp=None)
            server.restart()


@pytest.mark.since(16)
def test_changes_come_back(logical: Logical, watch: Watch) -> None:
    """Each takes changes of any origin: a new row comes back to where it was written and meets itself."""
    with both_ways(logical, "any"):
        rig = watch(logical)
        on_publisher(logical, "INSERT INTO items VALUES (6000, 'a')")
        incident = rig.expect(rule="apply_error", cause="bidirectional_loop", verdict="broken", link="/back")
        assert "subscription back on pg-1" in incident.causes[0].summary
        on_publisher(logical, "ALTER SUBSCRIPTION back SET (origin = none)")
        on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 SET (origin = none)")
        rig.expect_resolved()


@pytest.mark.since(16)
def test_two_writers(logical: Logical, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both change the same row before they hear of each other: each ends with the other's value, without an error."""
    monkeypatch.setattr(counters, "EVENT_WINDOW_S", 12.0)  # what was overwritten counts for five minutes: not in a test
    on_publisher(logical, "INSERT INTO items VALUES (6001, 'before')")
    logical.fleet.wait_caught_up()
    with both_ways(logical, "none"):
        rig = watch(logical)
        switch_off(logical)
        on_publisher(logical, "ALTER SUBSCRIPTION back DISABLE", "UPDATE items SET note = 'one' WHERE id = 6001")
        on_subscriber(logical, "UPDATE items SET note = 'other' WHERE id = 6001")
        switch_on(logical)
        on_publisher(logical, "ALTER SUBSCRIPTION back ENABLE")
        rig.expect(rule="apply_conflict", cause="multi_writer_swap")
        notes = [
            server.value("SELECT note FROM items WHERE id = 6001", dbname=DATABASE)
            for server in (logical.publisher, logical.subscriber)
        ]
        assert notes == ["other", "one"]
        rig.expect_resolved()

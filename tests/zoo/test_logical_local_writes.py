"""Somebody writes to replicated tables on the subscriber."""

import pytest

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


@pytest.mark.since(18)
def test_local_writes(logical: Logical, watch: Watch) -> None:
    """Rows changed, deleted and inserted: the one in the way comes first, and that somebody writes behind it."""
    subscriber = logical.subscriber
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    on_publisher(logical, "INSERT INTO items VALUES (8000, 'a'), (8001, 'a')")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_subscriber(
        logical,
        "UPDATE items SET note = 'local' WHERE id = 8000",
        "DELETE FROM items WHERE id = 8001",
        "INSERT INTO items VALUES (8002, 'local')",
    )
    on_publisher(
        logical,
        "UPDATE items SET note = 'b' WHERE id IN (8000, 8001)",
        "INSERT INTO items VALUES (8002, 'remote')",
    )
    incident = rig.expect(rule="apply_conflict", cause="subscriber_duplicate_key", verdict="broken")
    writes = next(cause for cause in incident.causes if cause.code == "subscriber_local_writes")
    assert "insert_exists, update_missing, update_origin_differs" in writes.summary
    on_subscriber(logical, "DELETE FROM items WHERE id = 8002")
    logical.fleet.wait_caught_up()
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()

"""A row that is changed on the publisher is not on the subscriber."""

import pytest

from leadline_streams.engines.postgresql import counters
from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


@pytest.mark.since(18)
def test_missing_row(logical: Logical, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted a row on the subscriber: its changes are skipped without an error."""
    monkeypatch.setattr(counters, "EVENT_WINDOW_S", 12.0)  # what is skipped counts for five minutes: not in a test
    on_publisher(logical, "INSERT INTO items VALUES (2000, 'a'), (2001, 'a')")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_subscriber(logical, "DELETE FROM items WHERE id IN (2000, 2001)")
    on_publisher(logical, "UPDATE items SET note = 'b' WHERE id = 2000", "DELETE FROM items WHERE id = 2001")
    incident = rig.expect(rule="apply_conflict", cause="subscriber_missing_row", verdict="healthy")
    assert "delete_missing, update_missing" in incident.causes[0].summary
    rig.expect_resolved()

"""Somebody writes on the subscriber, and nobody can tell who."""

import pytest

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import RESTARTS, Watch


@pytest.mark.since(18)
def test_duplicate_key_of_an_unknown_writer(logical: Logical, watch: Watch) -> None:
    """The setting that would tell was switched off shortly before: it is named beside what happens."""
    subscriber = logical.subscriber
    subscriber.configure(track_commit_timestamp="on")
    subscriber.restart()
    rig = watch(logical, overrides=[RESTARTS])
    subscriber.configure(track_commit_timestamp=None)
    subscriber.restart()
    rig.quiet(6.0)
    on_subscriber(logical, "INSERT INTO items VALUES (9000, 'local')")
    on_publisher(logical, "INSERT INTO items VALUES (9000, 'remote')")
    rig.mark()
    incident = rig.expect(rule="apply_error", cause="subscriber_duplicate_key", verdict="broken")
    assert "track_commit_timestamp on pg-3 was changed from on to off" in incident.causes[0].summary
    assert "ALTER SYSTEM SET track_commit_timestamp = on" in incident.causes[0].fix
    on_subscriber(logical, "DELETE FROM items WHERE id = 9000")
    rig.expect_resolved()
    on_publisher(logical, "DELETE FROM items WHERE id = 9000")

"""A row on the subscriber has the key of a row that is to come."""

import re

import pytest

from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


def finish_lsn(server: Server) -> str:
    """Where the transaction that fails ends, as the fix tells to look it up."""
    (*_, lsn) = re.findall(r"finished at ([0-9A-F]+/[0-9A-F]+)", server.log_tail(20))
    return str(lsn)


@pytest.mark.older
@pytest.mark.parametrize("retry", ["500ms", "5s"])
def test_duplicate_key(logical: Logical, watch: Watch, major: int, retry: str) -> None:
    """Somebody inserted a row on the subscriber; deleting it lets apply go on. 5 s between attempts are the default."""
    logical.subscriber.configure(wal_retrieve_retry_interval=retry)
    rig = watch(logical)
    on_subscriber(logical, "INSERT INTO items VALUES (1000, 'local')")
    on_publisher(logical, "INSERT INTO items VALUES (1000, 'remote')")
    incident = rig.expect(rule="apply_error", cause="subscriber_duplicate_key", verdict="broken")
    if major >= 18:  # before, the server does not count conflicts, and this is the likeliest guess
        assert incident.causes[0].confidence > 0.9
        assert "insert_exists" in incident.causes[0].summary
    on_subscriber(logical, "DELETE FROM items WHERE id = 1000")
    rig.expect_resolved()
    on_publisher(logical, "DELETE FROM items WHERE id = 1000")
    logical.subscriber.configure(wal_retrieve_retry_interval=None)


@pytest.mark.since(18)
def test_duplicate_key_of_two_indexes(logical: Logical, watch: Watch) -> None:
    """Two unique keys collide, which counts as another kind; the transaction is skipped, as the fix offers."""
    table = "CREATE TABLE twice (id int PRIMARY KEY, name text UNIQUE)"
    on_subscriber(logical, table, "INSERT INTO twice VALUES (1, 'one')")
    on_publisher(logical, table)
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_publisher(logical, "INSERT INTO twice VALUES (1, 'one')")
    incident = rig.expect(rule="apply_conflict", cause="subscriber_duplicate_key", verdict="broken")
    assert "multiple_unique_conflicts" in incident.causes[0].summary
    assert "ALTER SUBSCRIPTION pg_3 SKIP (lsn = '<finish LSN>')" in incident.causes[0].fix
    eventually("the log has the error", lambda: "finished at" in logical.subscriber.log_tail(20), 5.0)
    on_subscriber(logical, f"ALTER SUBSCRIPTION pg_3 SKIP (lsn = '{finish_lsn(logical.subscriber)}')")
    rig.expect_resolved()

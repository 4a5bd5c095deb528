"""A transaction that nobody ends."""

import psycopg
import pytest

from leadline_streams.engines.postgresql.slots import SNAPSHOT_S
from tests.fixtures.fleets import Logical
from tests.zoo.rig import Watch
from tests.zoo.sessions import write_log


@pytest.mark.older
def test_long_transaction_keeps_log(logical: Logical, watch: Watch) -> None:
    """A client wrote a row and forgot to commit; then log piles up, and the slot keeps it though its consumer is quick.

    A transaction is forgotten when it is older than those that end by themselves.
    """
    logical.publisher.configure(max_slot_wal_keep_size="200MB")
    rig = watch(logical)
    with psycopg.connect(logical.publisher.dsn("app")) as forgotten:
        forgotten.execute("INSERT INTO items VALUES (700001, 'never committed')")
        with rig.writing(logical.publisher, dbname="app"):
            rig.quiet(SNAPSHOT_S)
            rig.mark()
            write_log(logical.publisher, segments=80)
            incident = rig.expect(rule="slot_retention_forecast", cause="long_transaction_on_primary")
        assert f"pid {forgotten.info.backend_pid}" in incident.causes[0].summary
        forgotten.rollback()
    logical.publisher.query("CHECKPOINT")
    rig.expect_resolved(within=60)
    logical.publisher.configure(max_slot_wal_keep_size=None)

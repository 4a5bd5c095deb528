"""A transaction that nobody ends."""

import psycopg

from tests.fixtures.fleets import Logical
from tests.zoo.rig import Watch
from tests.zoo.sessions import write_log

WITHIN_S = 45.0
"""The growth of what a slot keeps is measured over at least 15 s, for a logical slot lets go in steps as long."""


def test_long_transaction_keeps_log(logical: Logical, watch: Watch) -> None:
    """A client wrote one row and forgot to commit: the slot keeps all log since then, though its consumer is quick."""
    logical.publisher.configure(max_slot_wal_keep_size="1GB")
    rig = watch(logical)
    with psycopg.connect(logical.publisher.dsn("app")) as forgotten:
        forgotten.execute("INSERT INTO items VALUES (700001, 'never committed')")
        write_log(logical.publisher, segments=80)
        with rig.writing(logical.publisher, dbname="app"):
            incident = rig.expect(rule="slot_retention_forecast", cause="long_transaction_on_primary", within=WITHIN_S)
        assert f"pid {forgotten.info.backend_pid}" in incident.causes[0].summary
        forgotten.rollback()
    logical.publisher.query("CHECKPOINT")
    rig.expect_resolved(within=60)
    logical.publisher.configure(max_slot_wal_keep_size=None)

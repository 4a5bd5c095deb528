"""The publication of a subscription is dropped on the publisher."""

import pytest

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, switch_off, switch_on
from tests.zoo.rig import Watch


@pytest.mark.older
def test_publication_dropped(logical: Logical, watch: Watch, major: int) -> None:
    """PostgreSQL 18 goes on without an error and loses every row; only the list of publications tells.

    15 fails, and for ever: it decodes what was written in between as of then, without the publication.
    """
    rig = watch(logical)
    on_publisher(logical, "DROP PUBLICATION pg_3", "INSERT INTO items VALUES (7000, 'lost')")
    incident = rig.expect(rule="publication_missing", cause="publication_or_slot_dropped", verdict="broken")
    assert ("skipped without an error" if major >= 18 else "fails for ever") in incident.causes[0].summary
    on_publisher(logical, "CREATE PUBLICATION pg_3 FOR ALL TABLES")
    if major < 18:
        switch_off(logical)
        on_publisher(logical, "SELECT pg_replication_slot_advance('pg_3', pg_current_wal_lsn())")
        switch_on(logical)
    rig.expect_resolved()

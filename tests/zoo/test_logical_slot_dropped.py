"""The slot of a subscription is dropped on the publisher."""

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, switch_off, switch_on
from tests.zoo.rig import Watch


def test_slot_dropped(logical: Logical, watch: Watch) -> None:
    """Somebody tidied up slots that were not in use at the moment."""
    rig = watch(logical)
    switch_off(logical)
    on_publisher(logical, "SELECT pg_drop_replication_slot('pg_3')")
    switch_on(logical)
    rig.mark()
    incident = rig.expect(rule="replication_cut_off", cause="publication_or_slot_dropped", verdict="broken")
    assert incident.causes[0].confidence > 0.9
    on_publisher(logical, "SELECT pg_create_logical_replication_slot('pg_3', 'pgoutput')")
    rig.expect_resolved()

"""Something holds up changes that are to be applied."""

import psycopg
import pytest

from tests.fixtures.fleets import Logical
from tests.zoo.app import DATABASE, on_publisher, on_subscriber, switch_off, switch_on
from tests.zoo.rig import Watch


def test_apply_blocked_by_lock(logical: Logical, watch: Watch) -> None:
    """A session on the subscriber locked a table and went for lunch; it is named by its pid."""
    rig = watch(logical)
    with psycopg.connect(logical.subscriber.dsn(DATABASE)) as session:
        session.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        on_publisher(logical, "INSERT INTO items VALUES (5000, 'a')")
        incident = rig.expect(rule="replication_stalled", cause="apply_blocked_by_lock", verdict="replay_stalled")
        assert f"pg_terminate_backend({session.info.backend_pid})" in incident.causes[0].fix
        assert "AccessExclusiveLock on public.items" in incident.causes[0].summary
        session.rollback()
    rig.expect_resolved()


@pytest.mark.since(17)
def test_held_back_for_a_standby(logical: Logical, watch: Watch) -> None:
    """A standby that is gone is still named in synchronized_standby_slots: nothing is sent before it has it."""
    publisher = logical.publisher
    set_failover(logical, "true")
    rig = watch(logical)
    publisher.query("SELECT pg_create_physical_replication_slot('gone', true)")
    publisher.configure(synchronized_standby_slots="gone")
    on_publisher(logical, "INSERT INTO items VALUES (5001, 'a')")
    incident = rig.expect(rule="replication_stalled", cause="failover_slot_gate", verdict="replay_stalled")
    assert "slot gone" in incident.causes[0].summary
    publisher.configure(synchronized_standby_slots=None)
    publisher.query("SELECT pg_drop_replication_slot('gone')")
    rig.expect_resolved()
    set_failover(logical, "false")


def set_failover(logical: Logical, value: str) -> None:
    """Whether a standby is to have the slot too; it can be changed only while it is not in use."""
    switch_off(logical)
    on_subscriber(logical, f"ALTER SUBSCRIPTION pg_3 SET (failover = {value})")
    switch_on(logical)

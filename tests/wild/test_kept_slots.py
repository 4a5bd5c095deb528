"""Slots that an orchestrator made for a member, and does not move on any more."""

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.workload import write_wal
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent
from tests.wild.watching import Watching, address


@pytest.mark.quick
@pytest.mark.parametrize(
    ("slot", "whose"), [("pgautofailover_standby_3", "pg_auto_failover"), ("_cnpg_orders_3", "CloudNativePG")]
)
@pytest.mark.situation(
    930,
    "The slot of a member that an orchestrator has forgotten fills the disk",
    "hapostgres/pg_auto_failover#42",
    "hapostgres/pg_auto_failover#602",
    "cloudnative-pg/cloudnative-pg#9969",
)
def test_a_slot_that_nobody_moves_on(wild: Wild, slot: str, whose: str) -> None:
    """Left behind by a member that is gone: it is reported, with the one who may drop it, and no step drops it."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"max_wal_size": "1GB"})
        primary.query("SELECT pg_create_physical_replication_slot(%s, true)", [slot])
        standby = fleet.standby("pg-2", primary)
        with Watching(agent(primary), agent(standby), for_s=3.0) as watching:
            watching.look(6)
            assert not watching.fired, watching.history()
            write_wal(primary, segments=80)
            wild.begins()
            cause = watching.names("slot_abandoned", 30.0, above=0.8)
            wild.answers(cause.summary)
            assert f"slot {slot} on {address(primary)} was made by {whose}" in cause.summary
            assert "pg_drop_replication_slot" not in str(cause.steps)

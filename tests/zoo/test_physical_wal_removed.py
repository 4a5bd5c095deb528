"""The log that a standby needs is gone."""

from leadline_lab.sandbox.fleet import Fleet
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import write_log


def test_wal_removed(fleet: Fleet, watch: Watch) -> None:
    """A standby without a slot was away for two checkpoints. Only a new base backup helps, so nothing is healed."""
    primary = fleet.primary("pg-1")
    proxy = fleet.proxy(primary)
    standby = fleet.standby("pg-2", primary, through=proxy, slot=False)
    rig = watch(Pair(fleet, primary, standby, proxy))
    proxy.cut()
    for _ in range(2):
        write_log(primary, segments=4)
        primary.query("CHECKPOINT")
    proxy.heal()
    incident = rig.expect(rule="replication_cut_off", cause="wal_removed", verdict="cut_off")
    assert "wal_keep_size = 0" in incident.causes[0].summary

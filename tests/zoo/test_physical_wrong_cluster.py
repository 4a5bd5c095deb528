"""A standby is pointed at a server of another cluster."""

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_wrong_cluster(pair: Pair, fleet: Fleet, watch: Watch) -> None:
    """primary_conninfo was taken from another cluster's runbook."""
    stranger = fleet.primary("pg-9")
    before = pair.standby.value("SHOW primary_conninfo")
    rig = watch(pair)
    rig.watch(stranger)
    pair.standby.configure(primary_conninfo=stranger.dsn(user=REPLICATOR, application_name="pg-2"))
    rig.expect(rule="replication_cut_off", cause="wrong_cluster", verdict="broken")
    pair.standby.configure(primary_conninfo=before)
    rig.expect_resolved()

"""A setting is lower on a standby than on its primary, and nothing stops."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import RESTARTS, Watch


def test_wal_level_lower_on_standby(pair: Pair, watch: Watch) -> None:
    """Replication goes on; once the standby is promoted, no subscriber could follow it. The change is all there is."""
    rig = watch(pair, overrides=[RESTARTS])
    pair.standby.configure(wal_level="replica")
    pair.standby.restart()
    incident = rig.expect(rule="config_mismatch", cause="config_changed")
    assert "wal_level on pg-2 was changed from logical to replica" in incident.causes[0].summary
    pair.standby.configure(wal_level=None)
    pair.standby.restart()
    rig.expect_resolved()

"""A setting that replay depends on was raised on the primary alone."""

from tests.fixtures.fleets import Pair
from tests.zoo.rig import RESTARTS, Watch


def test_parameter_lower_on_standby(pair: Pair, watch: Watch) -> None:
    """The primary was restarted with more connections than the standby allows: the server pauses replay by itself."""
    rig = watch(pair, overrides=[RESTARTS])
    pair.primary.configure(max_connections="60")
    pair.primary.restart()
    incident = rig.expect(rule="replay_paused", cause="replay_paused_by_parameter", verdict="replay_paused")
    assert "max_connections is 50 there and 60 on pg-1" in incident.causes[0].summary
    pair.standby.configure(max_connections="60")
    pair.standby.restart()
    rig.expect_resolved()
    pair.primary.configure(max_connections=None)
    pair.primary.restart()
    pair.fleet.wait_caught_up()
    pair.standby.configure(max_connections=None)
    pair.standby.restart()

"""The network between two servers breaks."""

import pytest

from leadline_lab.sandbox.proxy import Direction
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_network_cut(pair: Pair, watch: Watch) -> None:
    """Connections are refused."""
    rig = watch(pair)
    pair.proxy.cut()
    rig.expect(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off")
    pair.proxy.heal()
    rig.expect_resolved()


@pytest.mark.parametrize("directions", [("upstream", "downstream"), ("upstream",), ("downstream",)], ids="+".join)
def test_network_drops_packets(pair: Pair, watch: Watch, directions: tuple[Direction, ...]) -> None:
    """Packets are lost without a word, in both directions or in one."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        pair.proxy.blackhole(*directions)
        rig.expect(rule="replication_cut_off", cause="standby_cannot_connect", verdict="cut_off", within=20)
        pair.proxy.heal()
        rig.expect_resolved()


def test_network_too_slow(pair: Pair, watch: Watch) -> None:
    """The line carries a part of what the primary writes, also where a busy machine writes a tenth of the usual."""
    rig = watch(pair)
    with rig.writing(pair.primary, every_s=0.02, size=100_000):
        rig.quiet(12)
        pair.proxy.throttle(100_000)
        rig.mark()
        rig.expect(rule="replication_lag_bytes", cause="network_slow", verdict="falling_behind")
        rig.until_fires("lag_forecast")
        pair.proxy.heal()
        rig.expect_resolved()

"""The primary writes far more than it ever did."""

import pytest

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch

LINE_BYTES_PER_S = 2_000_000
"""Ten times of what is usual, and a third of the burst."""


@pytest.mark.older
def test_wal_burst(pair: Pair, watch: Watch) -> None:
    """Somebody changes a large table at once. The line to the standby is as good as ever, and not good enough."""
    rig = watch(pair)
    pair.proxy.throttle(LINE_BYTES_PER_S)
    with rig.writing(pair.primary):
        rig.quiet(15)
        with rig.writing(pair.primary, size=2_000_000):
            rig.mark()
            rig.expect(rule="replication_lag", cause="wal_burst", verdict="falling_behind")
        rig.expect_resolved(within=90)

"""A server does not run."""

import pytest

from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


@pytest.mark.older
def test_primary_down(pair: Pair, watch: Watch) -> None:
    """The primary crashed."""
    rig = watch(pair)
    pair.primary.kill()
    rig.expect(rule="node_down", cause="primary_down", verdict="upstream_unreachable")
    pair.primary.start()
    rig.expect_resolved()


def test_standby_down(pair: Pair, watch: Watch) -> None:
    """The standby was stopped and stays away."""
    rig = watch(pair)
    pair.standby.stop()
    rig.expect(rule="node_down", cause="standby_down", verdict="downstream_unreachable")
    pair.standby.start()
    rig.expect_resolved()

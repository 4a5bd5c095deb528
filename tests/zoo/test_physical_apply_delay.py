"""A standby is late on purpose."""

import pytest

from leadline_streams.judge.policy import Override
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch

DELAY_S = 3600.0


def test_apply_delay(pair: Pair, watch: Watch) -> None:
    """Somebody set a delay and told nobody."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        pair.standby.configure(recovery_min_apply_delay=f"{DELAY_S:.0f}s")
        incident = rig.expect(
            rule="apply_delay_undeclared", cause="apply_delay_configured", verdict="delayed_by_design"
        )
        assert "recovery_min_apply_delay on pg-2 was changed from 0 to 3600000 ms" in incident.causes[0].summary
        pair.standby.configure(recovery_min_apply_delay=None)
        rig.expect_resolved()


@pytest.mark.control
def test_declared_delay_is_no_fault(pair: Pair, watch: Watch) -> None:
    """A delayed standby that was declared raises nothing."""
    declared = Override(node="pg-2", rules={"apply_delay_undeclared": {"warning": DELAY_S + 1}})
    pair.standby.configure(recovery_min_apply_delay=f"{DELAY_S:.0f}s")
    rig = watch(pair, overrides=[declared])
    with rig.writing(pair.primary):
        rig.quiet(15)
    pair.standby.configure(recovery_min_apply_delay=None)

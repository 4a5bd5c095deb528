"""What is well must raise nothing."""

from leadline.sandbox.workload import pgbench
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch


def test_idle_pair(pair: Pair, watch: Watch) -> None:
    """Nothing is written."""
    watch(pair).quiet(30)


def test_pgbench_burst(pair: Pair, watch: Watch) -> None:
    """As many writes as the machine takes, then none."""
    rig = watch(pair)
    with pgbench(pair.primary):
        rig.quiet(10)
    rig.quiet(5)


def test_planned_restart(pair: Pair, watch: Watch) -> None:
    """The standby is restarted, as for a minor upgrade."""
    rig = watch(pair)
    pair.standby.restart()
    rig.quiet(8)


def test_vacuum_with_feedback(pair: Pair, watch: Watch) -> None:
    """A standby that says what it reads lets the primary vacuum without a conflict."""
    pair.standby.configure(hot_standby_feedback="on")
    rig = watch(pair)
    with pgbench(pair.primary):
        pair.primary.query("VACUUM")
        rig.quiet(5)
    pair.standby.configure(hot_standby_feedback=None)

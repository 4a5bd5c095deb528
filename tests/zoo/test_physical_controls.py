"""What is well must raise nothing."""

import pytest

from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.workload import pgbench
from tests.fixtures.fleets import Pair
from tests.zoo.hosts import MESSAGE
from tests.zoo.rig import Watch

pytestmark = pytest.mark.control


def test_idle_pair(pair: Pair, watch: Watch) -> None:
    """Nothing is written."""
    watch(pair).quiet(30)


def test_pgbench_burst(pair: Pair, watch: Watch) -> None:
    """As many writes as the machine takes, then none."""
    rig = watch(pair)
    with pgbench(pair.primary):
        rig.quiet(10)
    rig.quiet(5)


@pytest.mark.older
@pytest.mark.parametrize("end", ["primary", "standby"])
def test_planned_restart(pair: Pair, watch: Watch, end: str) -> None:
    """A server is restarted, as for a minor upgrade; then nothing is written for a while, and nothing is heard."""
    pair.primary.query(MESSAGE, [100_000])
    pair.fleet.wait_caught_up()
    rig = watch(pair)
    server: Server = getattr(pair, end)
    server.restart()
    rig.quiet(15)


def test_planned_restart_of_the_agent(pair: Pair, watch: Watch) -> None:
    """An agent is stopped and started again."""
    rig = watch(pair)
    rig.silence("pg-2")
    rig.watch(pair.standby)
    rig.quiet(8)


def test_planned_restart_of_the_judge(pair: Pair, watch: Watch) -> None:
    """A worker is stopped in the midst of it, and another goes on with what it remembered."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        rig.restart_judge()
        rig.quiet(8)


def test_clock_set_back(pair: Pair, watch: Watch) -> None:
    """The clock of the standby's host is half a minute late from now on: what its agent sees seems old."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        rig.set_clock("pg-2", -30.0)
        rig.quiet(20)


def test_vacuum_with_feedback(pair: Pair, watch: Watch) -> None:
    """A standby that says what it reads lets the primary vacuum without a conflict."""
    pair.standby.configure(hot_standby_feedback="on")
    rig = watch(pair)
    with pgbench(pair.primary):
        pair.primary.query("VACUUM")
        rig.quiet(5)
    pair.standby.configure(hot_standby_feedback=None)

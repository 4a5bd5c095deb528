"""Controls: streaming replication that is healthy, of which nothing may be reported."""

from typing import Final

from leadline_lab.faults.fault import AgentStarted, AgentStopped, Course, Fault, Prepared, Steady, control
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.workload import WRITE_MESSAGE, pgbench


@control(make_pair)
def idle_pair(pair: Pair) -> Course:
    """Nothing is written."""
    yield Prepared()
    yield Steady(30.0)


@control(make_pair)
def pgbench_burst(pair: Pair) -> Course:
    """The primary writes as much as the machine can, then nothing."""
    yield Prepared()
    with pgbench(pair.primary):
        yield Steady(10.0)
    yield Steady(5.0)


def _planned_restart(end: str) -> Fault[Pair]:
    @control(make_pair, variant=end, older=True)
    def planned_restart(pair: Pair) -> Course:
        """A server is restarted, as for a minor upgrade; nothing is written afterwards, so that nothing is received."""
        pair.primary.query(WRITE_MESSAGE, [100_000])
        pair.fleet.wait_caught_up()
        yield Prepared()
        (pair.primary if end == "primary" else pair.standby).restart()
        yield Steady(15.0)

    return planned_restart


PLANNED_RESTARTS: Final = tuple(map(_planned_restart, ("primary", "standby")))


@control(make_pair)
def planned_restart_of_the_agent(pair: Pair) -> Course:
    """An agent is stopped and started again."""
    yield Prepared()
    yield AgentStopped(pair.standby.name)
    yield AgentStarted(pair.standby.name)
    yield Steady(8.0)


@control(make_pair)
def vacuum_with_feedback(pair: Pair) -> Course:
    """A standby with hot_standby_feedback lets the primary vacuum without a recovery conflict."""
    pair.standby.configure(hot_standby_feedback="on")
    yield Prepared()
    with pgbench(pair.primary):
        pair.primary.query("VACUUM")
        yield Steady(5.0)
    pair.standby.configure(hot_standby_feedback=None)

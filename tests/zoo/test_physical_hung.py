"""A standby's processes are there and do not move."""

import os
import signal

import pytest

from leadline.model.alert import Verdict
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import PROCESS


def test_standby_server_hangs(pair: Pair, watch: Watch) -> None:
    """Every process of the standby stands still, as on a frozen host."""
    rig = watch(pair)
    with rig.writing(pair.primary):
        pair.standby.freeze()
        rig.expect(rule="node_down", cause="standby_hung", verdict="downstream_unreachable")
        pair.standby.thaw()
        rig.expect_resolved()


@pytest.mark.parametrize(
    ("process", "rule", "verdict"),
    [("walreceiver", "replication_cut_off", "cut_off"), ("startup", "replication_stalled", "replay_stalled")],
    ids=["walreceiver", "startup"],
)
def test_standby_process_hangs(pair: Pair, watch: Watch, process: str, rule: str, verdict: Verdict) -> None:
    """One process is stopped: the receiver takes no message and does not give up; replay lets its log lie."""
    pair.standby.configure(wal_receiver_timeout="2s")
    rig = watch(pair)
    pid = pair.standby.value(PROCESS, [process])
    with rig.writing(pair.primary):
        os.kill(pid, signal.SIGSTOP)
        incident = rig.expect(rule=rule, cause="standby_hung", verdict=verdict)
        assert {"walreceiver": "WAL receiver", "startup": "replay"}[process] in incident.title
        os.kill(pid, signal.SIGCONT)
        rig.expect_resolved()
    pair.standby.configure(wal_receiver_timeout=None)

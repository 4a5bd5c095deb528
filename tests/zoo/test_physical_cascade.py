"""Trouble at the upper hop of a cascade."""

import os
import signal

from tests.fixtures.fleets import Cascade
from tests.zoo.rig import Watch
from tests.zoo.sessions import PROCESS


def test_cascade_cut_above(cascade: Cascade, watch: Watch) -> None:
    """The first hop is cut: the leaf is late through no fault of its own link."""
    rig = watch(cascade)
    with rig.writing(cascade.primary):
        cascade.proxy.cut()
        incident = rig.expect(rule="replication_cut_off", cause="standby_cannot_connect", link="pg-1->pg-2")
        assert incident.causes[0].subject.id.endswith("pg-1->pg-2")
        rig.until_named("cascade_upstream_behind", subject="pg-1->pg-2")
        cascade.proxy.heal()
        rig.expect_resolved()


def test_cascade_hung_above(cascade: Cascade, watch: Watch) -> None:
    """The standby in the middle receives nothing more: the leaf has all it could get, and its own link is well."""
    cascade.standby.configure(wal_receiver_timeout="2s")
    rig = watch(cascade)
    pid = cascade.standby.value(PROCESS, ["walreceiver"])
    with rig.writing(cascade.primary):
        os.kill(pid, signal.SIGSTOP)
        incident = rig.expect(rule="replication_cut_off", cause="standby_hung", verdict="cut_off", link="pg-1->pg-2")
        assert incident.causes[0].subject.id.endswith("pg-1->pg-2")
        rig.until_named("cascade_upstream_behind", subject="pg-1->pg-2")
        os.kill(pid, signal.SIGCONT)
        rig.expect_resolved()
    cascade.standby.configure(wal_receiver_timeout=None)


def test_datacenter_cut(cascade: Cascade, watch: Watch) -> None:
    """All agents of a datacentre fall silent at once."""
    rig = watch(cascade, datacenters={"pg-2": "ams1", "pg-3": "ams1"})
    rig.silence("pg-2")
    rig.silence("pg-3")
    rig.expect(rule="agent_silent", cause="datacenter_cut")
    rig.watch(cascade.standby, datacenter="ams1")
    rig.watch(cascade.leaf, datacenter="ams1")
    rig.expect_resolved()

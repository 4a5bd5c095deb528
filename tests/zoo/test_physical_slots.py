"""Slots that nobody reads, that are gone, or that somebody else reads."""

import signal

import pytest

from leadline_lab.sandbox import guard
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Pair
from tests.zoo.rig import Watch
from tests.zoo.sessions import receiving, write_log

HANG_UP = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = 'pg_2'"


def test_slot_abandoned(pair: Pair, watch: Watch) -> None:
    """A standby was taken away and its slot forgotten."""
    rig = watch(pair)
    pair.primary.query("SELECT pg_create_physical_replication_slot('gone', true)")
    rig.expect(rule="slot_inactive", cause="slot_abandoned")
    pair.primary.query("SELECT pg_drop_replication_slot('gone')")
    rig.expect_resolved()


@pytest.mark.older
def test_slot_invalidated(pair: Pair, watch: Watch) -> None:
    """A slot kept more log than max_slot_wal_keep_size allows, and a checkpoint came."""
    rig = watch(pair)
    pair.primary.query("SELECT pg_create_physical_replication_slot('outgrown', true)")
    pair.primary.configure(max_slot_wal_keep_size="2MB")
    write_log(pair.primary, segments=8)
    pair.primary.query("CHECKPOINT")
    incident = rig.expect(rule="slot_lost", cause="slot_invalidated")
    assert "max_slot_wal_keep_size on pg-1 was changed from -1 to 2 MB" in incident.causes[0].summary
    pair.primary.query("SELECT pg_drop_replication_slot('outgrown')")
    rig.expect_resolved()
    pair.primary.configure(max_slot_wal_keep_size=None)


def test_slot_dropped(pair: Pair, watch: Watch) -> None:
    """Somebody tidied up and dropped a slot that a standby uses."""
    rig = watch(pair)
    pair.proxy.cut()  # in use it cannot be dropped, and hung up on the standby would be back first now and then
    inactive = "SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'pg_2'"
    eventually("the slot is free", lambda: bool(pair.primary.value(inactive)), 10.0)
    pair.primary.query("SELECT pg_drop_replication_slot('pg_2')")
    pair.proxy.heal()
    rig.expect(rule="replication_cut_off", cause="slot_missing", verdict="cut_off")
    pair.primary.query("SELECT pg_create_physical_replication_slot('pg_2', true)")
    rig.expect_resolved()


def test_slot_in_use_elsewhere(pair: Pair, watch: Watch) -> None:
    """A copied configuration: another receiver took the slot while the standby was away for a moment."""
    rig = watch(pair)
    pair.proxy.cut()
    pair.primary.query(HANG_UP)
    with receiving(pair.primary, slot="pg_2"):
        pair.proxy.heal()
        incident = rig.expect(rule="replication_cut_off", cause="slot_in_use_elsewhere", verdict="cut_off")
    assert "pg_receivewal" in incident.causes[0].summary
    rig.expect_resolved()


def test_slot_consumer_hangs(pair: Pair, watch: Watch) -> None:
    """A program that nobody watches reads a slot, and stopped reading."""
    rig = watch(pair)
    pair.primary.query("SELECT pg_create_physical_replication_slot('archive')")
    with receiving(pair.primary, slot="archive") as pids, rig.writing(pair.primary):
        guard.signal_all(pids, signal.SIGSTOP)
        incident = rig.expect(rule="replication_cut_off", cause="slot_consumer_stuck", within=20)
        assert "pg_receivewal" in incident.causes[0].summary
        guard.signal_all(pids, signal.SIGCONT)
        rig.expect_resolved()
    pair.primary.query("SELECT pg_drop_replication_slot('archive')")

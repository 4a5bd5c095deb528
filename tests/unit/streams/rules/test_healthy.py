"""Healthy servers raise nothing, with every rule firing at its first breach."""

import pytest

from leadline.model.activity import Activity
from leadline.model.host import Archiver, Disk
from leadline.model.replication import Positions, Slot
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.rules import RULES
from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World

EAGER = {name: {"for_s": 0.0} for name in RULES}
SETTINGS = {
    "max_connections": "100",
    "max_worker_processes": "8",
    "max_wal_senders": "10",
    "max_prepared_transactions": "0",
    "max_locks_per_transaction": "64",
    "wal_level": "replica",
    "synchronous_standby_names": "",
}


def full(up: Server, down: Server) -> None:
    """Show every group that a server may have, all of it well."""
    for server in (up, down):
        server.settings = dict(SETTINGS)
        server.set(
            activity=Activity(),
            disk=Disk(free_bytes=10**9),
            archiver=Archiver(archived=10, failed=2, last_archived_s=5.0, last_failed_s=900.0, ready=1),
        )


def world_of_all() -> World:
    """A pair whose settings and state are all sent."""
    world = World(**EAGER)
    full(*world.pair())
    world.send_settings()
    play.stream(world, 10)
    world.send_settings()
    return world


@pytest.mark.parametrize("rate", [0, 100_000, 200_000_000], ids=["idle", "steady", "burst"])
def test_a_pair_that_streams(rate: int) -> None:
    """Nothing to write, a little, and as much as a disk takes."""
    world = world_of_all()
    world.rate = rate
    play.stream(world, 120)
    assert world.transitions == []


def test_a_burst_that_is_caught_up_with() -> None:
    """A standby that falls 3 s behind and closes up again raises nothing."""
    world = world_of_all()
    world.rate = 2_000_000
    play.stream(world, 5)
    for behind in (1, 2, 3, 3, 2, 1, 0, 0, 0):
        play.stream(world, 1, received=world.lsn - behind * world.rate)
    assert world.transitions == []


def test_a_subscription() -> None:
    """Conflict counters that stand still, whatever they stand at, are history."""
    world = World(**EAGER)
    counters = {"update_missing": 12, "update_origin_differs": 400, "insert_exists": 3}
    play.subscribe(world, 120, conflicts=counters, apply_errors=9, sync_errors=2)
    assert world.transitions == []


def test_a_planned_restart_of_the_standby() -> None:
    """Twenty seconds away, with default limits: nobody is woken, and what began to wait is forgotten."""
    world = World()
    world.pair()
    play.stream(world, 30)
    play.stream(world, 20, lambda up, down: (play.cut(up, down), down.set(up=False, error="starting up")))
    play.stream(world, 30, lambda _, down: down.set(up=True, error=None))
    assert world.fired() == set()
    assert world.state.memory.alerts == {}


@pytest.mark.slow
def test_a_standby_that_is_late_by_design() -> None:
    """An hour late on purpose and declared: neither lag, nor bytes, nor a forecast."""
    world = World(**EAGER | {"apply_delay_undeclared": {"for_s": 0.0, "warning": 3601.0}})
    world.pair()
    world.rate = 10_000_000
    for second in range(4000):
        delayed = max(0, second - 3600) * world.rate
        play.stream(world, 1, _delay(3600.0, 2**24 + delayed))
    assert world.transitions == []


def _delay(seconds: float, replayed: int) -> play.Change:
    def change(_: Server, down: Server) -> None:
        received = down.fields["positions"].received_lsn
        down.set(
            positions=Positions(
                received_lsn=received,
                replayed_lsn=format_lsn(replayed),
                apply_delay_s=seconds,
                startup_wait="Timeout/RecoveryApplyDelay",
            )
        )

    return change


def test_spare_slots() -> None:
    """Slots that hold nothing, belong to a session, follow a primary's, or wait for a failover."""
    world = World(**EAGER)
    world.pair()
    spares = [
        Slot(name="unused"),
        Slot(name="tmp", temporary=True, restart_lsn="0/1000000"),
        Slot(name="synced", kind="logical", synced=True, restart_lsn="0/1000000", inactive_s=5000.0),
        Slot(name="s2", restart_lsn="0/1000000"),
    ]
    play.stream(world, 60, lambda _, down: down.set(slots=spares))
    assert world.transitions == []

"""``slot_retention_forecast``."""

import pytest

from leadline.model.lsn import format_lsn
from leadline.model.observation import Disk, Positions, Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World

GB = 10**9


def hold(
    world: World, up: Server, seconds: int, *, rate: int, room: int, active: bool = False, disk: int | None = None
) -> None:
    """The slot ``warehouse`` holds ever more log; ``room`` is what it may still hold."""
    for second in range(seconds):
        held = GB + rate * second
        slot = Slot(
            name="warehouse",
            kind="logical",
            active=active,
            wal_status="extended",
            restart_lsn="0/1000000",
            retained_bytes=held,
            safe_wal_bytes=room - rate * second,
        )
        up.set(positions=Positions(current_lsn=format_lsn(held)), slots=[slot], disk=None)
        if disk is not None and second % 60 == 0:
            up.set(disk=Disk(free_bytes=disk - rate * second))
        world.step()


def test_a_slot_that_will_be_lost_fires() -> None:
    """A gigabyte of room at 1 MB/s is a quarter of an hour."""
    world = World(slot_retention_forecast=QUICK)
    hold(world, world.add("pg-1", "primary"), 40, rate=1_000_000, room=GB)
    fired = play.last(world, "slot_retention_forecast")
    assert (fired.to, fired.severity) == ("firing", "critical")
    assert fired.summary.startswith("in 16 min")
    assert "the slot is lost: slot warehouse on pg-1" in fired.summary


def test_a_disk_that_will_be_full_fires() -> None:
    """Though the slot may hold much more, and the files are looked at once a minute only."""
    world = World(slot_retention_forecast=QUICK)
    hold(world, world.add("pg-1", "primary"), 100, rate=1_000_000, room=1000 * GB, disk=10 * GB)
    fired = play.last(world, "slot_retention_forecast")
    assert (fired.to, fired.severity) == ("firing", "warning")
    assert "the volume of the log is full: slot warehouse" in fired.summary


@pytest.mark.parametrize(
    ("rate", "room", "active"),
    [(0, GB, False), (1_000_000, 1000 * GB, False), (-10_000_000, GB, True)],
    ids=["nothing is written", "days are left", "its consumer catches up"],
)
def test_what_is_no_threat(rate: int, room: int, active: bool) -> None:
    """A slot that holds a gigabyte, and not for long, or for long enough."""
    world = World(slot_retention_forecast=QUICK)
    hold(world, world.add("pg-1", "primary"), 60, rate=rate, room=room, active=active)
    assert "slot_retention_forecast" not in world.fired()


def test_a_small_allowance_is_watched_from_the_start() -> None:
    """Thirty megabytes that may be kept are used up long before much is."""
    world = World(slot_retention_forecast=QUICK)
    up = world.add("pg-1", "primary")
    for second in range(40):
        kept = 16_000_000 + second * 100_000
        slot = Slot(name="s9", restart_lsn="0/1000000", retained_bytes=kept, safe_wal_bytes=32_000_000 - kept)
        up.set(slots=[slot])
        world.step()
    assert play.last(world, "slot_retention_forecast").to == "firing"


def test_the_consumer_is_named() -> None:
    """By the link that the slot feeds."""
    world = World(slot_retention_forecast=QUICK)
    play.subscribe(world, 10)
    up = world.servers["pg-1"]
    for second in range(40):
        slot = Slot(
            name="sub",
            kind="logical",
            restart_lsn="0/1000000",
            retained_bytes=GB + second * 1_000_000,
            safe_wal_bytes=GB,
        )
        up.set(slots=[slot])
        world.step()
    assert play.facts(play.last(world, "slot_retention_forecast"))["consumer"] == "sub on pg-3"

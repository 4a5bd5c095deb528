"""``slot_retention_forecast``."""

import pytest
from msgspec.structs import replace

from leadline.model.activity import Activity, Session
from leadline.model.host import Disk
from leadline.model.replication import Positions, Slot
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.slots import update_trend
from leadline_streams.judge.node_state import Held
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World

GB = 10**9
MB = 10**6
END = 100 * GB
"""The positions of the consumers of ``pile_up``."""


def hold(
    world: World, up: Server, seconds: int, *, rate: int, room: int, active: bool = False, disk: int | None = None
) -> None:
    """The slot ``warehouse`` holds ever more WAL; ``room`` is what it may still hold."""
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
        up.set(positions=Positions(current_lsn=format_lsn(held)), slots=(slot,), disk=None)
        if disk is not None and second % 60 == 0:
            up.set(disk=Disk(free_bytes=disk - rate * second))
        world.step()


def pile_up(world: World, slot: Slot, seconds: int, activity: Activity | None = None, steps: int | None = None) -> None:
    """A slot retains 10 MB/s more WAL; ``steps``: it lets go of that many seconds' worth at once."""
    up = world.add("pg-1", "primary")
    for second in range(seconds):
        kept = 70 * MB + 10 * MB * (second if steps is None else second % steps)
        shown = replace(slot, wal_status="reserved", retained_bytes=kept, safe_wal_bytes=GB)
        up.set(slots=(replace(shown, restart_lsn=format_lsn(END - kept)),), activity=activity or Activity())
        world.step()


LOGICAL = Slot(name="s", kind="logical", active=True, confirmed_lsn=format_lsn(END))
"""Its consumer has confirmed all there is."""
OLD = Session(pid=1, age_s=20.0, wrote=True)


@pytest.mark.parametrize(
    ("slot", "activity"),
    [
        (Slot(name="s", active=True), Activity()),
        (replace(LOGICAL, active=False), Activity()),
        (LOGICAL, Activity(oldest=(OLD,))),
        (LOGICAL, Activity(prepared_transactions=1, prepared_oldest_s=20.0)),
    ],
    ids=["physical", "inactive", "for a session", "for a prepared transaction"],
)
def test_a_slot_that_cannot_let_go_is_forecast_at_once(slot: Slot, activity: Activity) -> None:
    """The retained WAL only grows, so a few seconds are enough."""
    world = World(slot_retention_forecast=QUICK)
    pile_up(world, slot, 11, activity)
    assert "slot_retention_forecast" in world.fired()


@pytest.mark.parametrize(
    "activity",
    [
        Activity(),
        Activity(oldest=(replace(OLD, wrote=False),)),
        Activity(oldest=(replace(OLD, age_s=14.0),), prepared_transactions=1, prepared_oldest_s=14.0),
    ],
    ids=["nothing else", "a long report", "younger than the last snapshot"],
)
def test_a_slot_that_lets_go_in_steps_is_no_threat(activity: Activity) -> None:
    """Between two snapshots a busy logical slot keeps more and more, however well its consumer does."""
    world = World(slot_retention_forecast=QUICK)
    pile_up(world, LOGICAL, 90, activity, steps=15)
    assert "slot_retention_forecast" not in world.fired()


def test_a_physical_slot_that_keeps_up_with_a_burst_is_no_threat() -> None:
    """It keeps much for a moment only."""
    world = World(slot_retention_forecast=QUICK)
    pile_up(world, Slot(name="s", active=True), 90, steps=5)
    assert "slot_retention_forecast" not in world.fired()


def test_growth_is_reported_early_only_as_it_begins() -> None:
    """The first seconds are corrected by each that follows; afterwards a lull does not hide what the span showed."""
    held = Held(0.0, 70 * MB)
    growth = []
    for second in range(1, 31):
        update_trend(held, float(second), 70 * MB + 10 * MB * min(second, 5), in_steps=False)
        growth.append(held.growth)
    assert growth[:6] == [None, None, *[10 * MB] * 3, pytest.approx(50 * MB / 6)]
    assert growth[14:29] == [pytest.approx(50 * MB / 15)] * 15
    assert growth[29] == 0.0


def test_a_slot_that_will_be_lost_fires() -> None:
    """A gigabyte of room at 1 MB/s is a quarter of an hour."""
    world = World(slot_retention_forecast=QUICK)
    hold(world, world.add("pg-1", "primary"), 40, rate=1_000_000, room=GB)
    fired = play.last(world, "slot_retention_forecast")
    assert (fired.to, fired.severity) == ("firing", "critical")
    assert fired.summary.startswith("in about 17 min")
    assert "the slot is lost: slot warehouse on pg-1" in fired.summary


def test_a_disk_that_will_be_full_fires() -> None:
    """Though the slot may hold much more, and the files are looked at once a minute only."""
    world = World(slot_retention_forecast=QUICK)
    hold(world, world.add("pg-1", "primary"), 100, rate=1_000_000, room=1000 * GB, disk=10 * GB)
    fired = play.last(world, "slot_retention_forecast")
    assert (fired.to, fired.severity) == ("firing", "warning")
    assert "the WAL volume is full: slot warehouse" in fired.summary


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
        up.set(slots=(slot,))
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
        up.set(slots=(slot,))
        world.step()
    assert play.facts(play.last(world, "slot_retention_forecast"))["consumer"] == "sub on pg-3"

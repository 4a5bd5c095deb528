"""``slot_inactive``; slots that may be inactive are in ``test_healthy``."""

from leadline.model.replication import Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

IDLE = Slot(name="warehouse", kind="logical", restart_lsn="0/1000000", retained_bytes=5_000_000, inactive_s=120.0)


def test_a_slot_nobody_reads_fires_and_ends_with_the_slot() -> None:
    """It says what the slot holds; a slot that is dropped has nothing left to warn of."""
    world = World(slot_inactive=QUICK)
    up = world.add("pg-1", "primary")
    up.set(slots=(IDLE,))
    play.look(world, 10)
    fired = play.last(world, "slot_inactive")
    assert fired.summary == "no consumer has read slot warehouse on pg-1 for 2 min; it retains 5.0 MB of WAL"
    up.set(slots=())
    play.look(world, 5)
    assert [t.reason for t in play.of(world, "slot_inactive")] == ["breach", "breach", "diagnosed", "superseded"]


def test_the_old_slot_of_a_standby_that_has_a_new_one_fires() -> None:
    """On the same node nobody will come back to it."""
    world = World(slot_inactive=QUICK)
    world.pair()
    old = Slot(name="s2_old", restart_lsn="0/1000000", retained_bytes=10)
    play.stream(world, 10, lambda up, _: up.set(slots=(*(s for s in up.fields["slots"] if s.name == "s2"), old)))
    assert play.last(world, "slot_inactive").subject.name == "s2_old"


def test_a_server_that_is_down_leaves_it_unknown() -> None:
    """Its slots are as they were, or not."""
    world = World(slot_inactive=QUICK)
    up = world.add("pg-1", "primary")
    up.set(slots=(IDLE,))
    play.look(world, 10)
    up.set(up=False)
    play.look(world, 20)
    assert play.life(world, "slot_inactive") == ["pending", "firing", "unknown"]

"""``slot_creation_waiting``; copies of watched subscribers are in ``test_table_sync_waiting``."""

from msgspec.structs import replace

from leadline.model.activity import Activity, Session, WaitingSender
from leadline.model.replication import Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

CREATED = Slot(name="cdc", kind="logical", active=True, active_pid=55, wal_status="reserved", confirmed_lsn="0/1000000")
HOLDER = Session(pid=4711, user="app", state="active", age_s=900.0)
WAITING = WaitingSender(pid=55, slot="cdc", wait="Lock/transactionid", waits_s=70.0, blockers=(HOLDER,))


def test_a_slot_that_is_not_created_names_the_transaction() -> None:
    """Its consumer is not watched, as far as is known."""
    world = World(slot_creation_waiting=QUICK)
    up = world.add("pg-1", "primary")
    up.set(slots=(CREATED,))
    play.look(world, 3)
    up.set(slots=(replace(CREATED, confirmed_lsn=None),), activity=Activity(waiting_senders=(WAITING,)))
    play.look(world, 10)
    fired = play.last(world, "slot_creation_waiting")
    assert fired.summary == "slot cdc on pg-1 has been in creation for 1 min 10 s"
    first = world.incidents[-1].causes[0]
    assert (first.code, first.subject.name) == ("sync_slot_waits", "cdc")
    assert "it waits for pid 4711 on pg-1" in first.summary
    up.set(slots=(CREATED,), activity=Activity())
    play.look(world, 10)
    assert play.life(world, "slot_creation_waiting") == ["pending", "firing", "resolved"]


def test_a_slot_whose_creation_waits_for_nobody_is_healthy() -> None:
    """It is complete within a moment."""
    world = World(slot_creation_waiting=QUICK)
    up = world.add("pg-1", "primary")
    up.set(slots=(replace(CREATED, confirmed_lsn=None),), activity=Activity())
    play.look(world, 10)
    assert play.of(world, "slot_creation_waiting") == []

"""The status of a node lists its slots, each with the room that is left to it and when that ends.

People asked other tools for the state and the room of each slot, before it is lost, and for those that nobody uses:
https://github.com/prometheus-community/postgres_exporter/issues/1017, https://github.com/netdata/netdata-cloud/issues/1060
"""

from msgspec.structs import replace

from leadline.model.host import Disk
from leadline.model.replication import Slot
from leadline.model.status import NodeStatus, SlotStatus
from leadline_streams.engines.postgresql.slot_room import LISTED
from tests.unit.streams.rules.test_slot_retention_forecast import GB, MB, hold
from tests.unit.streams.world import World


def primary(world: World) -> list[NodeStatus]:
    return [each for each in world.outputs if isinstance(each, NodeStatus) and each.node == "pg-1"]


def shown(world: World, slot: str) -> SlotStatus:
    (found,) = [each for each in primary(world)[-1].slots if each.name == slot]
    return found


def live(world: World) -> None:
    """Until what was shown is judged."""
    for _ in range(5):
        world.step()


def test_a_slot_that_fills_its_volume_is_listed_with_the_time_that_is_left() -> None:
    """Twice a minute, while it retains much: a forecast that is five minutes old is none."""
    world = World()
    hold(world, world.add("pg-1", "primary"), 120, rate=10 * MB, room=100 * GB, disk=50 * GB)
    found = shown(world, "warehouse")
    assert (found.trend, found.active, found.wal_status) == ("grows", False, "extended")
    assert found.growth_bytes_per_s == 10 * MB
    assert found.left_bytes is not None
    assert found.full_in_s == found.left_bytes / (10 * MB)
    assert 49 * GB < found.left_bytes <= 50 * GB
    assert 4 <= len(primary(world)) <= 8


def test_slots_without_a_time_say_why() -> None:
    world = World()
    up = world.add("pg-1", "primary")
    kept = 70 * MB
    for second in range(40):
        up.set(
            disk=Disk(free_bytes=GB),
            slots=(
                Slot(name="lost", wal_status="lost", retained_bytes=kept),
                Slot(name="small", active=True, retained_bytes=5 * MB),
                Slot(name="steady", active=True, retained_bytes=kept),
                Slot(name="fast", retained_bytes=kept + second * MB),
                Slot(name="mute"),
            ),
        )
        world.step()
    order = [(each.name, each.trend, each.full_in_s is not None) for each in primary(world)[-1].slots]
    assert order[:2] == [("lost", "lost", False), ("fast", "grows", True)]
    assert set(order[2:]) == {("small", "little", False), ("steady", "steady", False), ("mute", "unknown", False)}


def test_a_new_slot_and_one_that_nobody_reads_any_more_are_shown_at_once() -> None:
    world = World()
    up = world.add("pg-1", "primary")
    for slots in ((), (Slot(name="a", active=True),), (Slot(name="a"),), ()):
        up.set(slots=slots)
        live(world)
        assert [(each.name, each.active) for each in primary(world)[-1].slots] == [
            (each.name, each.active) for each in slots
        ]


def test_thousands_of_slots_are_counted_and_not_all_listed() -> None:
    world = World()
    up, one = world.add("pg-1", "primary"), Slot(name="", retained_bytes=0)
    up.set(slots=tuple(replace(one, name=f"pg_{n}_sync_1", retained_bytes=n) for n in range(1000)))
    live(world)
    last = primary(world)[-1]
    assert (len(last.slots), last.slots_total, last.slots[0].name) == (LISTED, 1000, "pg_999_sync_1")


def test_the_slots_of_a_server_that_does_not_answer_are_not_seen() -> None:
    world = World()
    up = world.add("pg-1", "primary")
    up.set(slots=(Slot(name="a", active=True),))
    live(world)
    up.set(up=False, error="connection refused", slots=())
    live(world)
    last = primary(world)[-1]
    assert (last.health, last.slots, last.slots_total) == ("unseen", [], 0)

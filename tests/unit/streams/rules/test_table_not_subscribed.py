"""``table_not_subscribed``."""

from typing import Any

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World

QUICK = {"for_s": 3.0, "keep_s": 2.0}
ITEMS, ORDERS = "public.items", "public.orders"


def subscribe(world: World, seconds: int, *, sent: Any = None, here: Any = None, number: int = 1) -> None:
    """A subscription; the tables of its publication and its own are read in the first four of these seconds."""

    def show(up: Server, down: Server) -> None:
        slots = tuple(replace(slot, database="app") for slot in up.fields["slots"])
        up.set(slots=slots, database="app", publishes={"all": sent} if sent is not None else None)
        down.set(database="app", subscribes={"sub": here} if here is not None else None)

    own = {"publications": ("all",), "database": "app", "tables": {"r": number}}
    play.subscribe(world, 4, show, **own)
    sent = here = None
    play.subscribe(world, seconds - 4, show, **own)


def test_a_table_that_was_not_taken_over() -> None:
    """It is named, and a refresh ends it, once it is read again."""
    world = World(table_not_subscribed=QUICK)
    subscribe(world, 5, sent=(ITEMS,), here=(ITEMS,))
    subscribe(world, 10, sent=(ITEMS, ORDERS))
    fired = play.last(world, "table_not_subscribed")
    assert (fired.to, fired.value) == ("firing", 1.0)
    assert ORDERS in fired.summary
    assert ITEMS not in fired.summary
    subscribe(world, 10, here=(ORDERS, ITEMS), number=2)
    assert play.last(world, "table_not_subscribed").to == "resolved"


def test_a_table_that_is_not_published_any_more() -> None:
    """Its changes are not sent."""
    world = World(table_not_subscribed=QUICK)
    subscribe(world, 5, sent=(ITEMS, ORDERS), here=(ITEMS, ORDERS), number=2)
    subscribe(world, 10, sent=(ORDERS,), number=2)
    assert f"changes of {ITEMS} are not published any more" in play.last(world, "table_not_subscribed").summary


def test_lists_of_different_times_are_not_compared() -> None:
    """After a refresh the publication was read before it, and the number of tables shows that the other list is old."""
    world = World(table_not_subscribed=QUICK)
    subscribe(world, 5, sent=(ITEMS,), here=(ITEMS,))
    subscribe(world, 10, here=(ITEMS, ORDERS), number=2)
    subscribe(world, 10, sent=(ITEMS, ORDERS, "public.parts"), number=3)
    assert play.life(world, "table_not_subscribed") == []

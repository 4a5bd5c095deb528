"""``changes_come_back``."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def both(
    forth: str | None, back: str | None, *tables: str, database: str = "app", enabled: bool = True, lists: bool = True
) -> Callable[[Server, Server], None]:
    """Both subscribe to each other, to changes of these origins; pg-1 to ``tables``, pg-3 to a and b."""

    def change(up: Server, down: Server) -> None:
        lsn = format_lsn(up.world.lsn)
        (own,) = down.fields["subscriptions"]
        down.set(
            database="app",
            subscriptions=(replace(own, database="app", origin=forth),),
            slots=(Slot(name="back", kind="logical", database=database, active=True, confirmed_lsn=lsn),),
            subscribes={"sub": ("public.a", "public.b")} if lists else None,
        )
        returning = Subscription(
            name="back", slot="back", database="app", pid=78, received_lsn=lsn, enabled=enabled, origin=back
        )
        up.set(database="app", subscriptions=(returning,), subscribes={"back": tables} if lists else None)

    return change


def fired(change: Callable[[Server, Server], None]) -> list[tuple[str | None, str]]:
    """Node and summary of each alert that fires."""
    world = World(changes_come_back=QUICK)
    play.subscribe(world, 2)
    play.subscribe(world, 12, change)
    return [(one.subject.node, one.summary) for one in play.of(world, "changes_come_back") if one.to == "firing"]


@pytest.mark.parametrize(
    ("forth", "back", "node", "says"),
    [
        ("any", "any", "pg-1", "changes of public.b on pg-1 come back to it from pg-3, and there to its own"),
        (None, None, "pg-1", "changes of public.b on pg-1 come back to it from pg-3, and there to its own"),
        ("none", "any", "pg-1", "changes of public.b on pg-1 come back to it from pg-3"),
        ("any", "none", "pg-3", "changes of public.b on pg-3 come back to it from pg-1"),
    ],
)
def test_tables_of_both_subscriptions(forth: str | None, back: str | None, node: str, says: str) -> None:
    """One alert, on the server that gets its own changes back; where both do, on one of the two."""
    (alert, *_) = found = fired(both(forth, back, "public.b", "public.c"))
    assert {one for one, _ in found} == {node}
    assert alert == (node, says)


@pytest.mark.parametrize(
    "change",
    [
        both("none", "none", "public.b"),
        both("any", "any", "public.c"),
        both("any", "any", "public.b", database="other"),
        both("any", "any", "public.b", enabled=False),
        both("any", "any", "public.b", lists=False),
    ],
)
def test_nothing_comes_back(change: Callable[[Server, Server], None]) -> None:
    """Changes are taken by origin, no table is in both, another database is read, one is off, or no list is seen."""
    assert fired(change) == []

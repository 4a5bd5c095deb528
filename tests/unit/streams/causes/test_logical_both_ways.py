"""Two servers that subscribe to each other."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.logical import first, logical
from tests.unit.streams.world import World


def two_way(
    world: World, seconds: int, *, ours: Mapping[str, int], theirs: Mapping[str, int], back_pid: int = 78, **shown: Any
) -> None:
    """Both servers subscribe to each other; conflicts per second on pg-3 and on pg-1."""
    one, other = world.servers["pg-1"], world.servers["pg-3"]
    for second in range(1, seconds + 1):
        lsn = format_lsn(world.lsn)
        world.subscribe(one, other, database="app", workers=1, **shown)
        (forth,) = [s for s in other.fields["subscriptions"] if s.name == "sub"]
        errors = second if any(kind.endswith("exists") for kind in ours) else 0
        counted = {kind: count * second for kind, count in ours.items()}
        other.set(
            subscriptions=(replace(forth, apply_errors=errors, conflicts=counted),),
            slots=(Slot(name="back", kind="logical", active=True, confirmed_lsn=lsn, restart_lsn=lsn),),
        )
        back = Subscription(
            name="back", slot="back", database="app", pid=back_pid, received_lsn=lsn, latest_end_lsn=lsn
        )
        counted = {kind: count * second for kind, count in theirs.items()}
        one.set(subscriptions=(replace(back, origin=shown.get("origin"), conflicts=counted),))
        world.step()


def mutual() -> World:
    """Two servers that subscribe to each other and have been seen in peace."""
    world = logical()
    two_way(world, 5, ours={"insert_exists": 0}, theirs={"update_origin_differs": 0}, origin="any")
    return world


def test_changes_that_come_back() -> None:
    """A duplicate key between two servers that take changes of any origin from each other is a loop."""
    world = mutual()
    two_way(world, 12, ours={"insert_exists": 1}, theirs={}, origin="any")
    assert (first(world).code, first(world).confidence) == ("bidirectional_loop", 0.98)
    assert "origin = none" in first(world).fix


def test_a_duplicate_key_between_peers_that_filter_origins_is_no_loop() -> None:
    """With origin = none nothing comes back."""
    world = mutual()
    two_way(world, 12, ours={"insert_exists": 1}, theirs={}, origin="none")
    assert first(world).code == "subscriber_duplicate_key"


def test_two_writers_of_the_same_rows() -> None:
    """Rows of another origin on both sides after an interruption of both: each may end with the other's value."""
    world = mutual()
    two_way(world, 1, ours={}, theirs={}, origin="none", back_pid=79, pid=80)
    two_way(
        world,
        12,
        ours={"update_origin_differs": 1},
        theirs={"update_origin_differs": 2},
        origin="none",
        back_pid=79,
        pid=80,
    )
    assert (first(world).code, first(world).confidence) == ("multi_writer_swap", 0.92)


def test_two_servers_that_take_turns_are_healthy() -> None:
    """Each change of a row that the other made counts, and nothing crosses."""
    world = mutual()
    two_way(world, 12, ours={"update_origin_differs": 1}, theirs={"update_origin_differs": 2}, origin="none")
    assert not world.fired()

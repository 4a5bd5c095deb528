"""``apply_conflict``."""

import pytest

from leadline.model.replication import Slot, Subscription
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def meets(world: World, **counters: int) -> None:
    """A subscription whose counters stand at 0, then at these."""
    play.subscribe(world, 5, conflicts=dict.fromkeys(counters, 0))
    play.subscribe(world, 5, conflicts=counters)


@pytest.mark.parametrize("kind", ["update_missing", "delete_missing"])
def test_every_change_of_a_missing_row_counts(kind: str) -> None:
    """Each is a row that differs now."""
    world = World()
    meets(world, **{kind: 7})
    fired = play.last(world, "apply_conflict")
    assert (fired.to, fired.value, fired.severity) == ("firing", 7.0, "warning")
    assert play.facts(fired)[kind] == "7"


def test_a_hundred_are_critical() -> None:
    """The tables have parted."""
    world = World()
    meets(world, update_missing=100)
    assert play.last(world, "apply_conflict").severity == "critical"


@pytest.mark.parametrize("kind", ["insert_exists", "update_exists", "multiple_unique_conflicts"])
def test_a_conflict_that_is_tried_again_is_one(kind: str) -> None:
    """The server counts attempts."""
    world = World()
    play.subscribe(world, 5, conflicts={kind: 0})
    for tried in range(60):
        play.subscribe(world, 1, conflicts={kind: tried}, apply_errors=tried, pid=None)
    fired = play.of(world, "apply_conflict")
    assert [(t.to, t.value) for t in fired] == [("firing", 1.0)]


def test_rows_of_another_origin_alone_say_nothing() -> None:
    """The first change of each row of an initial copy counts as one."""
    world = World()
    meets(world, update_origin_differs=100_000, delete_origin_differs=50)
    assert world.transitions == []


def test_they_are_shown_beside_others() -> None:
    """As evidence; they do not raise the number."""
    world = World()
    meets(world, update_origin_differs=9, update_missing=1)
    fired = play.last(world, "apply_conflict")
    assert fired.value == 1.0
    assert play.facts(fired)["update_origin_differs"] == "9"


@pytest.mark.parametrize("crossed", [True, False])
def test_they_count_where_changes_of_two_servers_can_have_crossed(crossed: bool) -> None:
    """Both subscribe to each other, and meet rows that the other changed: just after both were interrupted, or not."""
    world = World()
    one, other = (world.add(name, "primary", system_id=system) for name, system in (("pg-1", "7001"), ("pg-3", "7003")))
    for second in range(20):
        met = {"update_origin_differs": 3 if second > 10 else 0}
        lsn = format_lsn(world.lsn)
        for server, takes, gives in ((one, "a", "b"), (other, "b", "a")):
            server.set(
                slots=(Slot(name=gives, kind="logical", active=True, confirmed_lsn=lsn, restart_lsn=lsn),),
                subscriptions=(
                    Subscription(
                        name=takes,
                        slot=takes,
                        pid=8 if crossed and second > 9 else 7,
                        received_lsn=lsn,
                        latest_end_lsn=lsn,
                        conflicts=met,
                    ),
                ),
            )
        world.step()
    fired = play.of(world, "apply_conflict")
    assert {(t.subject.node, t.value) for t in fired} == ({("pg-1", 3.0), ("pg-3", 3.0)} if crossed else set())


@pytest.mark.slow
def test_it_resolves_when_the_window_has_passed() -> None:
    """Five minutes after the last."""
    world = World()
    meets(world, update_missing=2)
    play.subscribe(world, 330, conflicts={"update_missing": 2})
    assert play.life(world, "apply_conflict") == ["firing", "resolved"]

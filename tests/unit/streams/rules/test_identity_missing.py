"""``identity_missing``."""

import pytest
from msgspec.structs import replace

from leadline.model.tables import RefusedTable
from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


def send_tables(world: World, *tables: str) -> None:
    """The publisher's settings reach the judge, with the tables that it found."""
    server = world.servers["pg-1"]
    world.outputs += world.state.observe(replace(server.node_settings(world.time + 0.6), without_identity=list(tables)))


def test_tables_are_named_until_they_are_repaired() -> None:
    """The value is their number; a worker that takes over remembers them."""
    world = World(identity_missing=QUICK)
    play.subscribe(world, 3)
    send_tables(world, *(f"public.t{n}" for n in range(5)))
    play.subscribe(world, 3)
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    play.subscribe(world, 6)
    fired = play.last(world, "identity_missing")
    assert (fired.to, fired.value) == ("firing", 5.0)
    assert fired.summary.startswith(
        "updates or deletes of public.t0, public.t1, public.t2 and 2 more on pg-1 are refused: it has no primary key"
    )
    assert world.first_cause() == "replica_identity_missing"
    send_tables(world)
    play.subscribe(world, 10)
    assert play.last(world, "identity_missing").to == "resolved"


def test_a_publisher_whose_tables_have_one() -> None:
    """No tables were sent."""
    world = World(identity_missing=QUICK)
    play.subscribe(world, 3)
    send_tables(world)
    play.subscribe(world, 10)
    assert world.transitions == []


TABLE = RefusedTable(name="public.orders", reason="row_filter", columns=("kind",), publication="shop")
BY_REASON = {
    "row_filter": (TABLE, "the row filter of publication shop uses column kind, not in the identity"),
    "column_list": (
        replace(TABLE, reason="column_list", columns=("id",)),
        "the column list of publication shop lacks column id of the identity",
    ),
    "full_and_list": (
        replace(TABLE, reason="column_list", identity="f", columns=()),
        "its identity is FULL, and publication shop has a column list",
    ),
    "generated_column": (
        replace(TABLE, reason="generated_column", identity="f", columns=("a", "b")),
        "generated columns a, b of its identity are not published by shop",
    ),
    "no_identity": (
        replace(TABLE, reason="no_identity", columns=()),
        "it has no primary key or other replica identity",
    ),
}


@pytest.mark.parametrize(("table", "words"), BY_REASON.values(), ids=BY_REASON)
def test_each_reason_is_named_with_a_fix_of_its_own(table: RefusedTable, words: str) -> None:
    """It comes with a sample once a minute, and holds until the next one."""
    world = World(identity_missing=QUICK)
    up = world.add("pg-1", "primary")
    play.look(world, 3)
    up.set(refused=(table,), publications=("shop",))
    world.step()
    up.set(refused=None)
    play.look(world, 9)
    assert words in play.last(world, "identity_missing").summary
    first = world.incidents[-1].causes[0]
    assert words in first.summary
    assert [step.risk for step in first.steps][:2] == ["look", "careful"]
    up.set(refused=())
    play.look(world, 10)
    assert play.life(world, "identity_missing") == ["pending", "firing", "resolved"]


def test_a_database_without_publications_refuses_nothing() -> None:
    """The last one was dropped, and its tables are not read any more."""
    world = World(identity_missing=QUICK)
    up = world.add("pg-1", "primary")
    up.set(refused=(TABLE,), publications=("shop",))
    play.look(world, 10)
    up.set(refused=None, publications=())
    play.look(world, 10)
    assert play.last(world, "identity_missing").to == "resolved"

"""Possible owners of a slot, from everything that samples show."""

from typing import Any

import pytest

from leadline.model.observation import NodeSettings, SettingValue
from leadline.model.replication import Downstream, Slot, Subscription, Upstream
from leadline_streams.engines.postgresql.orchestrators import PATRONI_SETTINGS, orchestrator_of, slot_name_of
from leadline_streams.engines.postgresql.owners import owners_of, unseen_owners
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World, at

SPARE = {"restart_lsn": "0/1000000", "retained_bytes": 0}


def owners(world: World, node: str, slot: Slot) -> list[tuple[str, bool]]:
    """Kind of each owner of a slot that the node shows, and whether it is identified."""
    world.servers[node].set(slots=(*world.servers[node].fields.get("slots", ()), slot))
    play.look(world, 8)
    found = owners_of(world.state.memory, world.state.memory.nodes[node], slot)
    return [(owner.kind, owner.identified) for owner in found]


def by_patroni(world: World, name: str) -> None:
    """The settings of a server that Patroni started arrive."""
    server = world.servers[name]
    server.seq += 1
    values = {each: SettingValue(value="1", source="command line") for each in PATRONI_SETTINGS}
    when = at(world.time + 0.6)
    world.outputs += world.state.observe(
        NodeSettings(node=server.node, seq=server.seq, at=when, sent_at=when, settings=values)
    )


def test_a_slot_that_nothing_seen_could_use_has_no_owner_and_says_what_was_not_seen() -> None:
    world = World()
    world.add("pg-1", "primary")
    slot = Slot(name="warehouse", kind="logical", **SPARE)
    assert owners(world, "pg-1", slot) == []
    (unseen,) = unseen_owners(world.state.memory, world.state.memory.nodes["pg-1"], slot)
    assert "without an agent" in (unseen.note or "")


def test_a_disabled_subscription_owns_its_slot_on_whatever_server() -> None:
    """Its publisher may have been replaced: the name alone does not identify the slot."""
    world = World()
    world.add("pg-1", "primary")
    world.add("pg-9", "primary", system_id="7009").set(
        subscriptions=(Subscription(name="sub", slot="orders", enabled=False),)
    )
    found = owners(world, "pg-1", Slot(name="orders", kind="logical", **SPARE))
    assert {kind for kind, _ in found} == {"subscription"}


@pytest.mark.parametrize(("system", "watched"), [("7009", True), ("7010", False)])
def test_the_slot_of_an_initial_copy_names_its_subscriber(system: str, watched: bool) -> None:
    """By the system identifier in its name, watched or not."""
    world = World()
    world.add("pg-1", "primary")
    world.add("pg-9", "primary", system_id="7009").set(subscriptions=(Subscription(name="sub", oid=16396),))
    slot = Slot(name=f"pg_16396_sync_16388_{system}", kind="logical", **SPARE)
    assert owners(world, "pg-1", slot) == [("table copy", True)]
    (owner,) = owners_of(world.state.memory, world.state.memory.nodes["pg-1"], slot)
    assert (owner.node == "pg-9", "no agent" in owner.name) == (watched, not watched)


def test_a_standby_owns_the_slot_that_it_names_or_that_is_named_after_it() -> None:
    """Also while it is down: it was, and may be again."""
    world = World()
    world.add("pg-1", "primary")
    world.add("pg-2", "standby").set(upstream=Upstream(host="vip", port=5432, slot="other"))
    assert owners(world, "pg-1", Slot(name="pg_2", **SPARE)) == [("standby", False)]
    world.servers["pg-2"].set(up=False, error="refused")
    assert owners(world, "pg-1", Slot(name="other", **SPARE)) == [("standby", True), ("standby", False)]


def test_the_session_that_reads_a_slot_owns_it() -> None:
    world = World()
    server = world.add("pg-1", "primary")
    server.set(downstreams=(Downstream(name="pg_receivewal", slot="archive", pid=7, state="streaming"),))
    slot = Slot(name="archive", active=True, active_pid=7)
    assert ("session", True) in owners(world, "pg-1", slot)


@pytest.mark.parametrize("slot", ["_cnpg_orders-2", "pgautofailover_standby_7", "rds_us_east_1_db_abc"])
def test_slots_that_an_orchestrator_names_are_its_own(slot: str) -> None:
    """They are not judged as slots of nobody."""
    world = World(slot_inactive=QUICK)
    world.add("pg-1", "primary")
    assert owners(world, "pg-1", Slot(name=slot, **SPARE)) == [("orchestrator", True)]
    play.look(world, 20)
    assert not world.fired()


def test_patroni_is_known_by_the_command_line_that_it_gives_the_server() -> None:
    """It keeps a slot for every other member, the leader's too, and drops those that it does not know."""
    world = World(slot_inactive={"for_s": 20.0, "keep_s": 5.0})
    up, down = world.pair()
    spare = Slot(name="pg_1", **SPARE)
    for _ in range(8):
        world.stream(up, down)
        down.set(slots=(spare,))
        world.step()
    node = world.state.memory.nodes["pg-2"]
    assert orchestrator_of(node) is None
    by_patroni(world, "pg-2")
    play.look(world, 8)
    assert (found := orchestrator_of(node)) is not None
    assert found.name == "Patroni"
    assert any(o.kind == "orchestrator" and "pg-1" in o.name for o in owners_of(world.state.memory, node, spare))
    for _ in range(40):
        world.stream(up, down)
        down.set(slots=(spare,))
        world.step()
    assert not world.fired()


@pytest.mark.parametrize(
    ("member", "slot"), [("pg-1", "pg_1"), ("Db.Example", "db_example"), ("a b", "au0032b"), ("x" * 70, "x" * 63)]
)
def test_the_slot_of_a_member_is_named_as_patroni_does(member: str, slot: str) -> None:
    assert slot_name_of(member) == slot


@pytest.mark.parametrize(("retained", "fires"), [(10_000_000, False), (300_000_000, True)])
def test_a_slot_left_on_a_demoted_primary_counts_once_it_retains_much(retained: int, fires: bool) -> None:
    """Although its consumer reads a slot of that name on the new primary."""
    world = World(slot_inactive=QUICK)
    new, old, reader = world.add("pg-2", "primary"), world.add("pg-1", "standby"), world.add("pg-3", "standby")
    left = Slot(name="s3", restart_lsn="0/1000000", retained_bytes=retained, inactive_s=900.0)
    for _ in range(20):
        world.stream(new, old)
        world.stream(new, reader)
        old.set(slots=(left,))
        world.step()
    assert ("slot_inactive" in world.fired()) is fires
    if fires:
        shown: dict[str, Any] = {each.name: each for each in play.last(world, "slot_inactive").evidence}
        assert shown["owner"].value == "slot s3 on pg-2"

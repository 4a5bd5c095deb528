"""``table_sync_waiting``, the slots of initial copies, and the causes of both."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.activity import Activity, Session, WaitingSender
from leadline.model.replication import Downstream, Slot
from leadline.model.tables import TableCopy
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World

SLOT = "pg_16396_sync_16401_7003"
COPY = TableCopy(
    subscription="sub",
    subscription_oid=16396,
    oid=16401,
    table="public.n",
    pid=90,
    state="d",
    wait="Client/LibpqwalreceiverReceive",
    transaction_s=70.0,
)
UNREADY: dict[str, Any] = {"oid": 16396, "tables": {"d": 1, "r": 3}, "unsynced": ("public.n",), "workers": 2}
SHOP = Session(pid=4711, user="app", application="shop", state="idle in transaction", age_s=75.0, wrote=True)
CREATING = WaitingSender(
    pid=55,
    name=SLOT,
    slot=SLOT,
    wait="Lock/transactionid",
    waits_s=70.0,
    command="CREATE_REPLICATION_SLOT",
    blockers=(SHOP,),
)
IDLE_SLOT = Slot(name=SLOT, kind="logical", restart_lsn="0/1000000", confirmed_lsn="0/1000000", retained_bytes=10)


def world_of(**rules: Any) -> World:
    return World(**({"table_sync_waiting": QUICK, "slot_inactive": QUICK, "slot_creation_waiting": QUICK} | rules))


def copying(world: World, seconds: int, copy: TableCopy | None, sender: Any = None, **fields: Any) -> None:
    """``sender``: a row or a waiting sender of the publisher."""

    def change(up: Server, down: Server) -> None:
        down.set(copies=(copy,) if copy is not None else ())
        if isinstance(sender, WaitingSender):
            up.set(activity=Activity(waiting_senders=(sender,)))
        elif isinstance(sender, Downstream):
            up.set(downstreams=(*up.fields["downstreams"], sender), activity=None)

    play.subscribe(world, seconds, change, **UNREADY | fields)


def test_a_copy_that_has_not_begun_names_the_transaction() -> None:
    """It has waited since its transaction began, before the first look."""
    world = world_of()
    copying(world, 10, COPY, CREATING)
    fired = play.last(world, "table_sync_waiting")
    assert fired.summary.startswith("the initial copy of public.n by subscription sub on pg-3 has not begun: 1 min 1")
    assert play.facts(fired)["sender"] == "Lock/transactionid"
    first = world.causes[0]
    assert (first.code, first.confidence) == ("sync_slot_waits", 0.96)
    assert "it waits for pid 4711 on pg-1 (shop, user app, idle in transaction, open for 1 min 15 s)" in first.summary
    copying(world, 10, None, replace(CREATING, blockers=()), tables={"r": 4}, unsynced=())
    assert play.life(world, "table_sync_waiting") == ["pending", "firing", "resolved"]


def test_a_copy_without_a_watched_publisher_is_a_guess() -> None:
    """Nothing is known of the sender, so only looking is proposed."""
    world = world_of()
    copying(world, 10, COPY)
    first = world.causes[0]
    assert (first.code, first.confidence) == ("sync_slot_waits", 0.45)
    assert {step.risk for step in first.steps} == {"look"}


def test_a_prepared_transaction_is_named_and_kept() -> None:
    """It belongs to a transaction manager."""
    world = world_of()
    copying(world, 10, COPY, replace(CREATING, blockers=(), prepared=("order 17",)))
    first = world.causes[0]
    assert "it waits for prepared transaction order 17 on pg-1" in first.summary
    assert {step.risk for step in first.steps} == {"look"}


@pytest.mark.parametrize("wait", [None, "IO/DataFileRead"])
def test_a_filtered_copy_that_sends_nothing_is_working(wait: str | None) -> None:
    """The publisher reads the whole table before it finds a row to send."""
    world = world_of()
    row = Downstream(name=SLOT, state="startup", pid=55, wait=wait)
    copying(world, 10, replace(COPY, copied_bytes=0), row)
    assert play.of(world, "table_sync_waiting") == []


def test_a_copy_that_moves_is_healthy() -> None:
    """However long its transaction has been open; its slot has no reader meanwhile."""
    world = world_of()
    row = Downstream(name=SLOT, state="startup", pid=55, wait="Client/ClientWrite")
    for second in range(10):
        world_copy = replace(COPY, copied_bytes=1000 * second + 1, transaction_s=3600.0)
        copying(world, 1, world_copy, row)
        world.servers["pg-1"].set(slots=(*world.servers["pg-1"].fields["slots"], IDLE_SLOT))
        world.step()
    assert not world.fired()


def test_a_copy_that_stops_names_the_lock() -> None:
    """It copied rows before."""
    world = world_of(table_sync_waiting={**QUICK, "warning": 5.0})
    copying(world, 16, replace(COPY, copied_bytes=9000, wait="Lock/relation", blocked_by=(81,)))
    assert "does not move" in play.last(world, "table_sync_waiting").summary
    assert world.causes[0].code == "table_copy_blocked"


def test_tables_wait_for_a_worker() -> None:
    """All workers are in use."""
    world = world_of(table_sync_waiting={**QUICK, "warning": 5.0})
    copying(world, 2, None)
    world.servers["pg-3"].settings["max_logical_replication_workers"] = "2"
    world.send_settings()
    copying(world, 16, None)
    first = world.causes[0]
    assert first.code == "table_copy_workers_exhausted"
    assert "max_logical_replication_workers = 2" in first.summary


def drop_steps(world: World) -> list[str]:
    """Statements that drop a slot, in all that was put out."""
    steps = [step for one in (*world.incidents, *world.transitions) for cause in one.causes for step in cause.steps]
    return [step.sql or "" for step in steps if "pg_drop" in (step.sql or step.text or "")]


def with_slot(world: World, seconds: int, slot: Slot, **fields: Any) -> None:
    play.subscribe(world, seconds, lambda up, _: up.set(slots=(*up.fields["slots"], slot)), **fields)


def test_the_slot_of_a_copy_is_its_subscriptions() -> None:
    """Also between two attempts, when no sender runs."""
    world = world_of()
    with_slot(world, 10, IDLE_SLOT, **UNREADY)
    assert "slot_inactive" not in world.fired()


def test_the_slot_of_a_copy_whose_subscription_is_gone_may_be_dropped() -> None:
    """Its name holds the subscription and the system identifier of a subscriber that is watched and has no such one."""
    world = world_of()
    with_slot(world, 10, IDLE_SLOT, oid=16999)
    first = world.causes[0]
    assert (first.code, first.confidence) == ("slot_abandoned", 0.93)
    assert "subscription 16396 of pg-3, which has no such subscription any more" in first.summary
    assert [step.risk for step in first.steps] == ["look", "look", "look", "destructive"]
    assert first.evidence_for[-1].name == "not_needed"


@pytest.mark.parametrize(
    "slot",
    [
        replace(IDLE_SLOT, name="pg_16396_sync_16401_7999"),
        replace(IDLE_SLOT, name="pg_16396_sync_16401"),
        Slot(name="warehouse", kind="logical", restart_lsn="0/1000000", retained_bytes=10),
        Slot(name="barman", restart_lsn="0/1000000", retained_bytes=10),
    ],
    ids=lambda slot: slot.name,
)
def test_a_slot_whose_owner_may_not_be_watched_is_never_proposed_for_dropping(slot: Slot) -> None:
    """The advice is to find its owner."""
    world = world_of()
    with_slot(world, 10, slot, oid=16999)
    first = world.causes[0]
    assert (first.code, first.confidence) == ("slot_abandoned", 0.49)
    assert drop_steps(world) == []


@pytest.mark.parametrize("oid", [None, 16999])
def test_an_unknown_identity_is_not_an_absent_one(oid: int | None) -> None:
    """Before PostgreSQL 14 an agent cannot read which subscription has which identity."""
    world = world_of()
    with_slot(world, 10, IDLE_SLOT, oid=oid)
    assert bool(drop_steps(world)) == (oid is not None)

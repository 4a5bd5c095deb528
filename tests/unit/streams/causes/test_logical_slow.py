"""Subscriptions that are late, held up, or not through with their initial copy."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.activity import Activity, Session
from leadline.model.replication import Downstream, Slot
from leadline.model.server_log import LogLine, ServerLog
from leadline.model.tables import SlowTable, TableCopy
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.logical import GONE, by_two, causes, first, logical, run
from tests.unit.streams.world import World, at


def test_a_copy_that_fails() -> None:
    """The table is named, its copy is tried again and again, and the other tables go on."""
    world = logical()
    run(world, 20, sync_errors=by_two, tables={"d": 1, "r": 3}, unsynced=("more",))
    cause = first(world)
    assert cause.code == "table_sync_failing"
    assert "more" in cause.summary
    assert {step.risk for step in cause.steps} == {"look"}, "its rows may be on no other server"


def test_a_lock_in_the_way() -> None:
    """The session that holds it is named with its pid, and the fix ends it."""
    world = logical()
    blocker = Session(
        pid=4711, user="app", state="idle in transaction", age_s=60.0, holds="AccessExclusiveLock on items"
    )
    world.servers["pg-3"].set(activity=Activity(blockers=(blocker,)))
    stands = format_lsn(world.lsn)
    run(world, 20, stuck=True, slot={"active": True}, received_lsn=stands, latest_end_lsn=stands,
        wait="Lock/relation", blocked_by=(4711,), transaction_s=float)  # fmt: skip
    cause = first(world)
    assert (cause.code, cause.confidence) == ("apply_blocked_by_lock", 0.97)
    assert "pg_terminate_backend(4711)" in cause.fix
    assert cause.not_seen == []


def test_a_lock_of_an_unknown_session() -> None:
    """Nobody can be ended; the step lists all sessions, and the claim names what shows the one."""
    world = logical()
    stands = format_lsn(world.lsn)
    run(world, 20, stuck=True, slot={"active": True}, received_lsn=stands, latest_end_lsn=stands,
        wait="Lock/relation", transaction_s=float)  # fmt: skip
    cause = first(world)
    assert (cause.code, cause.confidence) == ("apply_blocked_by_lock", 0.9)
    assert {step.risk for step in cause.steps} == {"look"}
    assert "pg_blocking_pids" in (cause.not_seen[0].note or "")


@pytest.mark.parametrize(
    ("wait", "written", "confidence"),
    [("Lock/relation", True, 0.97), ("Lock/relation", False, 0.6), (None, True, 0.93), (None, False, None)],
)
def test_a_worker_that_lock_timeout_ends(wait: str | None, written: bool, confidence: float | None) -> None:
    """By the lock that it waits for between two failures, by the server log, or by both; else it is not known."""
    world = logical()
    blocker = Session(
        pid=4711, user="app", state="idle in transaction", age_s=60.0, holds="AccessExclusiveLock on items"
    )
    given: dict[str, Any] = {"activity": Activity(blockers=(blocker,))}
    if written:
        line = LogLine(at=at(15), process="logical replication apply worker", code="55P03", message="lock timeout")
        given["server_log"] = ServerLog(path="log", read=True, lines=(line,))
    world.servers["pg-3"].set(**given)
    seen = {"wait": wait, "blocked_by": (4711,)} if wait else GONE
    run(world, 12, stuck=True, apply_errors=by_two, **seen)
    found = [cause for cause in causes(world) if cause.code == "apply_blocked_by_lock"]
    assert [cause.confidence for cause in found] == ([confidence] if confidence else [])
    assert not found or ("lock_timeout" in found[0].summary and ("pid 4711" in found[0].summary) is bool(wait))
    assert "apply_refused" not in {cause.code for cause in causes(world) if written}


def test_a_leader_that_waits_for_its_own_workers_is_not_blocked() -> None:
    """Parallel apply waits by locks as well."""
    world = logical()
    stands = format_lsn(world.lsn)
    run(world, 20, stuck=True, slot={"active": True}, received_lsn=stands, latest_end_lsn=stands,
        wait="Lock/applytransaction", blocked_by=(78,), transaction_s=float)  # fmt: skip
    assert "apply_blocked_by_lock" not in {cause.code for cause in causes(world)}


def test_a_sender_that_waits_for_a_standby() -> None:
    """The setting and the slot that is not active are named."""
    world = logical()
    up = world.servers["pg-1"]
    up.settings["synchronized_standby_slots"] = "s2"
    world.send_settings()
    stands = format_lsn(world.lsn)
    waits = Downstream(name="sub", kind="logical", slot="sub", pid=9, wait="Client/WaitForStandbyConfirmation")
    for second in range(20):
        world.subscribe(
            up, world.servers["pg-3"], received_lsn=stands, latest_end_lsn=stands, message_age_s=float(second)
        )
        slot = Slot(name="sub", kind="logical", active=True, confirmed_lsn=stands, failover=True)
        up.set(slots=(slot, Slot(name="s2", active=False)), downstreams=(waits,))
        world.step()
    assert first(world).code == "failover_slot_gate"
    assert "slot s2" in first(world).summary
    assert "ALTER SYSTEM SET synchronized_standby_slots = ''; SELECT pg_reload_conf();" in first(world).fix


def busy(*readings: tuple[SlowTable, ...], wait: str | None = None) -> World:
    """A late subscription whose worker works; the tables of the subscriber as they were read, one after the other."""
    world = logical()
    stands = format_lsn(world.lsn)
    late = {"slot": {"active": True}, "received_lsn": stands, "latest_end_lsn": stands}
    for each in readings:
        world.servers["pg-3"].set(slow_tables=each, database="app")
        run(world, 1, stuck=True, **late, wait=wait, transaction_s=float)
        world.servers["pg-3"].set(slow_tables=None)
    run(world, 45, stuck=True, **late, wait=wait, transaction_s=float)
    return world


def test_a_table_that_is_read_whole_for_each_row() -> None:
    """Named from the catalog at once, and surely when its scans are seen to read more than its rows."""
    plain = SlowTable(name="public.plain", rows=100_000, scanned=True, rows_read=5)
    cause = first(busy((plain,)))
    assert (cause.code, cause.confidence) == ("apply_cannot_keep_up", 0.7)
    assert "each update or delete reads public.plain (100000 rows) whole" in cause.summary
    cause = first(busy((plain,), (replace(plain, rows_read=900_000),)))
    assert cause.confidence == 0.9
    assert any("899995 of them since the reading before" in (each.note or "") for each in cause.evidence_for)


@pytest.mark.parametrize(("wait", "confidence"), [(None, 0.65), ("Timeout/PgSleep", 0.85)])
def test_a_trigger_that_fires_for_replicated_rows(wait: str | None, confidence: float) -> None:
    cause = first(busy((SlowTable(name="public.items", rows=10, triggers=("audit",)),), wait=wait))
    assert cause.confidence == confidence
    assert "each replicated row fires trigger audit on public.items" in cause.summary


def test_a_worker_in_a_function_of_which_nothing_is_seen() -> None:
    """A guess, which proposes to look for triggers."""
    cause = first(busy(wait="Timeout/PgSleep"))
    assert (cause.code, cause.confidence) == ("apply_cannot_keep_up", 0.5)
    assert {step.risk for step in cause.steps} == {"look"}
    assert "pg_trigger" in cause.fix


def test_a_worker_that_is_busy() -> None:
    """Late, streaming, not waiting: it has more to do than it manages. What waits is another cause's."""
    world = logical()
    stands = format_lsn(world.lsn)
    late = {"slot": {"active": True}, "received_lsn": stands, "latest_end_lsn": stands}
    run(world, 45, stuck=True, **late, wait=None, transaction_s=float)
    assert first(world).code == "apply_cannot_keep_up"
    world = logical()
    run(world, 45, stuck=True, **late, wait="Client/LibpqwalreceiverReceive", transaction_s=float)
    assert "apply_cannot_keep_up" not in {cause.code for cause in causes(world)}


@pytest.mark.parametrize(("at_once", "per_s", "says"), [(0, 10 << 20, "367.0 MB"), (80 << 20, 0, "83.9 MB")])
def test_a_large_transaction(at_once: int, per_s: int, says: str) -> None:
    """The slot keeps much and spilled as it began to, or since; what was spilled before is not counted."""
    world = logical()
    stands = format_lsn(world.lsn)
    waits = Downstream(name="sub", kind="logical", slot="sub", pid=9)
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    for second in range(45):
        world.subscribe(up, down, received_lsn=stands, latest_end_lsn=stands, transaction_s=float(second))
        spilled = (900 << 20) + (at_once + per_s * second if second else 0)
        kept = {"retained_bytes": 200 << 20 if second else 0, "spill_bytes": spilled}
        slot = Slot(name="sub", kind="logical", active=True, confirmed_lsn=stands, wal_status="reserved", **kept)
        up.set(slots=(slot,), downstreams=(waits,))
        world.step()
    assert first(world).code == "large_transaction_decoding"
    assert says in first(world).summary  # as it was named, 35 s in


@pytest.mark.parametrize(("workers", "copies", "named"), [(2, 0, True), (1, 0, False), (2, 1, False)])
def test_a_large_transaction_of_which_nothing_is_counted_yet(workers: int, copies: int, named: bool) -> None:
    """A second worker that copies no table applies a transaction that has not ended; the sender waits for it."""
    world = logical()
    stands = format_lsn(world.lsn)
    waits = Downstream(name="sub", kind="logical", slot="sub", pid=9, wait="Client/WalSenderWriteData")
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    copy = TableCopy(subscription="sub", subscription_oid=16400, oid=16500, pid=77)
    for _ in range(45):
        world.subscribe(up, down, received_lsn=stands, latest_end_lsn=stands, workers=workers, wait="IO/DataFileRead")
        down.set(copies=(copy,) * copies)
        slot = Slot(name="sub", kind="logical", active=True, confirmed_lsn=stands, wal_status="reserved")
        up.set(slots=(slot,), downstreams=(waits,))
        world.step()
    found = {cause.code: cause for cause in causes(world)}
    assert ("large_transaction_decoding" in found) is named
    if named:
        assert found["large_transaction_decoding"].confidence < 0.85


@pytest.mark.parametrize(
    ("session_s", "code"), [(10.0, "orphan_prepared_transaction"), (600.0, "long_transaction_on_primary")]
)
def test_a_prepared_transaction_that_nobody_finishes(session_s: float, code: str) -> None:
    """The slot keeps what its consumer has confirmed. The oldest transaction is to blame, prepared or not."""
    world = logical()
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    stands = format_lsn(world.lsn)
    world.rate = 10_000_000
    oldest = Session(pid=4711, state="active", age_s=session_s, wrote=True)
    up.set(activity=Activity(oldest=(oldest,), prepared_transactions=1, prepared_oldest_s=300.0))
    for second in range(60):
        world.subscribe(up, down)
        kept = {
            "restart_lsn": stands,
            "retained_bytes": second * 10_000_000,
            "safe_wal_bytes": (1000 - second) * 10_000_000,
        }
        up.set(slots=(replace(up.fields["slots"][0], wal_status="reserved", **kept),))
        world.step()
    assert first(world).code == code

"""The causes of logical replication, each over a made-up publisher pg-1 and its subscriber pg-3."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.incident import Cause
from leadline.model.lsn import format_lsn
from leadline.model.observation import Activity, Downstream, Session, Slot, Subscription
from tests.unit.streams.world import QUICK, World

WATCHED = (
    "apply_conflict",
    "apply_error",
    "publication_missing",
    "replication_cut_off",
    "replication_lag",
    "replication_stalled",
    "slot_retention_forecast",
    "slot_inactive",
    "subscription_disabled",
    "table_sync_stuck",
)
COUNTED = {"insert_exists": 0, "update_missing": 0, "update_origin_differs": 0}
"""What a subscriber of PostgreSQL 18 shows before anything went wrong."""
GONE: dict[str, Any] = {"pid": None, "received_lsn": None, "latest_end_lsn": None, "workers": 0}
"""A subscription without a worker."""


def logical(rules: Mapping[str, dict[str, Any]] | None = None, **settings: str) -> World:
    """A world in which each rule fires after five seconds; the settings are the subscriber's."""
    world = World(**(dict.fromkeys(WATCHED, QUICK) | dict(rules or {})))
    world.add("pg-1", "primary")
    subscriber = world.add("pg-3", "primary", system_id="7003")
    subscriber.settings.update(settings)
    run(world, 5)
    world.tell_settings()
    return world


def run(world: World, seconds: int, *, stuck: bool = False, slot: Mapping[str, Any] | None = {}, **shown: Any) -> None:
    """Let time pass. ``stuck``: without a sender, the position stands still. ``slot``: what differs, None for no slot.

    ``shown``: what differs in the subscription; a function gives the value of each second.
    """
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    stands = format_lsn(world.lsn)
    for second in range(1, seconds + 1):
        now = {name: value(second) if callable(value) else value for name, value in shown.items()}
        world.subscribe(up, down, **{"conflicts": COUNTED, "database": "app", "workers": 1, **now})
        (healthy,) = up.fields["slots"] = [replace(each, database="app") for each in up.fields["slots"]]
        if stuck or slot is None:
            still = replace(healthy, active=False, confirmed_lsn=stands, restart_lsn=stands)
            up.set(slots=[] if slot is None else [replace(still, **slot)], downstreams=[])
        world.step()


def causes(world: World) -> list[Cause]:
    """The ranked causes of the newest incident record."""
    return world.incidents[-1].causes if world.incidents else []


def first(world: World) -> Cause:
    """The first-ranked cause."""
    return causes(world)[0]


def rising(kind: str, at_once: int = 2) -> Any:
    """A conflict counter that rises each second."""
    return lambda second: {**COUNTED, kind: second * at_once}


def by_two(second: int) -> int:
    """A counter that rises by two each second."""
    return second * 2


def test_a_healthy_subscription_has_no_cause() -> None:
    """A stream that is applied is no news."""
    world = logical()
    run(world, 60)
    assert world.transitions == []


@pytest.mark.parametrize("kind", ["insert_exists", "update_exists", "multiple_unique_conflicts"])
def test_a_duplicate_key(kind: str) -> None:
    """Errors rise together with a unique key's conflict: certain, named with its count and both fixes."""
    world = logical()
    run(world, 12, stuck=True, **GONE, apply_errors=by_two, conflicts=rising(kind))
    cause = first(world)
    assert (cause.code, cause.confidence) == ("subscriber_duplicate_key", 0.97)
    assert "subscription sub on pg-3" in cause.summary
    assert kind in cause.summary
    assert "ALTER SUBSCRIPTION sub SKIP" in cause.fix
    assert {e.name for e in cause.evidence_for} >= {kind, "apply_errors", "confirmed_lsn"}
    assert "subscriber_schema_drift" not in {c.code for c in causes(world)}


def test_a_duplicate_key_before_18_is_a_guess() -> None:
    """Without conflict counters the duplicate key is named first, without certainty, and drift next to it."""
    world = logical()
    run(world, 12, stuck=True, **GONE, apply_errors=by_two, conflicts={})
    codes = {cause.code: cause for cause in causes(world)}
    assert first(world).code == "subscriber_duplicate_key"
    assert first(world).confidence <= 0.5
    assert first(world).evidence_against[0].value == "not counted"
    assert codes["subscriber_schema_drift"].confidence < first(world).confidence


def test_a_changed_schema() -> None:
    """Errors rise and no conflict is counted: likely the schema, and it says what looks the same."""
    world = logical()
    run(world, 12, stuck=True, **GONE, apply_errors=by_two)
    cause = first(world)
    assert cause.code == "subscriber_schema_drift"
    assert cause.confidence < 0.9
    assert cause.evidence_against


def test_old_conflicts_do_not_hide_a_changed_schema() -> None:
    """A conflict that was repaired minutes ago does not explain errors of now."""
    world = logical()
    run(world, 10, stuck=True, **GONE, apply_errors=by_two, conflicts=rising("insert_exists"))
    kept = {**COUNTED, "insert_exists": 20}
    run(world, 40, apply_errors=20, conflicts=kept)
    run(world, 20, stuck=True, **GONE, apply_errors=lambda second: 20 + second, conflicts=kept)
    assert first(world).code == "subscriber_schema_drift"


def test_a_missing_row() -> None:
    """Apply goes on without an error; only the counter tells."""
    world = logical()
    run(world, 12, conflicts=rising("update_missing", 1))
    assert (first(world).code, first(world).confidence) == ("subscriber_missing_row", 0.95)
    assert "replication_lag" not in world.fired()


def test_local_writes_stand_behind_what_they_did() -> None:
    """Conflicts of several kinds point at local writes; the row in the way is still what to repair first."""
    world = logical()
    both = lambda second: {**COUNTED, "insert_exists": second, "update_missing": 3}  # noqa: E731
    run(world, 12, stuck=True, **GONE, apply_errors=by_two, conflicts=both)
    codes = [cause.code for cause in causes(world)]
    assert codes[0] == "subscriber_duplicate_key"
    assert "subscriber_local_writes" in codes


def test_the_first_change_of_copied_rows_is_no_conflict() -> None:
    """The server counts them as rows of another origin; alone they say nothing."""
    world = logical()
    run(world, 30, conflicts=rising("update_origin_differs", 100))
    assert world.transitions == []


def test_a_subscription_switched_off_by_hand() -> None:
    """No error came with it and no option allows it: somebody did it."""
    world = logical()
    run(world, 12, stuck=True, **GONE, enabled=False, disable_on_error=False)
    cause = first(world)
    assert (cause.code, cause.confidence) == ("subscription_disabled_by_operator", 0.96)
    assert cause.fix.startswith("On pg-3, database app: ALTER SUBSCRIPTION sub ENABLE;")


def test_a_subscription_that_an_error_switched_off() -> None:
    """The counter rose as it was disabled and the option is on; the duplicate key is told as what to repair."""
    world = logical()
    conflict = {**COUNTED, "insert_exists": 1}
    run(world, 12, stuck=True, **GONE, enabled=False, disable_on_error=True, apply_errors=1, conflicts=conflict)
    codes = [cause.code for cause in causes(world)]
    assert codes[:2] == ["subscription_disabled_on_error", "subscriber_duplicate_key"]
    assert "subscription_disabled_by_operator" not in codes


def test_a_subscription_that_may_be_switched_off_by_errors_and_had_none() -> None:
    """The option alone is no proof."""
    world = logical()
    run(world, 12, stuck=True, **GONE, enabled=False, disable_on_error=True)
    assert first(world).code == "subscription_disabled_by_operator"


def test_a_dropped_slot() -> None:
    """The publisher answers and has no such slot. The worker's failure to start is counted nowhere."""
    world = logical()
    run(world, 12, slot=None, **GONE)
    cause = first(world)
    assert (cause.code, cause.confidence) == ("publication_or_slot_dropped", 0.98)
    assert "pg_create_logical_replication_slot('sub', 'pgoutput')" in cause.fix


@pytest.mark.parametrize(
    ("version", "says"), [(180006, "skipped without an error"), (170006, "pg_replication_slot_advance('sub', ")]
)
def test_a_dropped_publication(version: int, says: str) -> None:
    """All seems well, or apply fails with any error: what is published tells."""
    world = logical()
    up = world.servers["pg-1"]
    up.node = replace(up.node, version_num=version)
    up.set(database="app", publications=["other"])
    errors = by_two if version < 180000 else 0
    run(world, 12, publications=["pub"], apply_errors=errors, conflicts={})
    assert first(world).code == "publication_or_slot_dropped"
    assert says in first(world).summary + first(world).fix


def test_a_dropped_subscription_leaves_nothing_behind() -> None:
    """Its slot goes first, then itself; its link and the alert about it end with it."""
    world = logical()
    run(world, 12, stuck=True, **GONE)
    assert world.fired() >= {"replication_cut_off"}
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    up.set(slots=[], downstreams=[])
    world.step()
    assert first(world).code != "publication_or_slot_dropped"
    down.set(subscriptions=[])
    for _ in range(15):
        world.step()
    assert world.state.memory.links == {}
    assert world.incidents[-1].state == "resolved"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_logical_replication_workers", "0"),
        ("max_active_replication_origins", "0"),
        ("max_replication_slots", "0"),
        ("max_worker_processes", "1"),
    ],
)
def test_no_worker_to_be_had(setting: str, value: str) -> None:
    """Enabled, no worker, no errors, and a limit is reached: the setting is named, with room for all."""
    world = logical(**{setting: value})
    run(world, 12, stuck=True, **GONE)
    cause = first(world)
    assert cause.code == "apply_workers_exhausted"
    assert f"ALTER SYSTEM SET {setting} = 5" in cause.fix


def test_free_workers_and_no_stream() -> None:
    """With room for workers, no errors and the slot waiting, the way between the servers is what is left."""
    world = logical(max_logical_replication_workers="4", max_worker_processes="8", max_replication_slots="10")
    run(world, 12, stuck=True, **GONE)
    assert first(world).code == "subscriber_cannot_connect"
    assert 0.8 < first(world).confidence < 0.9


def test_no_stream_before_15_is_a_guess() -> None:
    """Errors are not counted there: a worker that fails to apply looks the same, and the claim says so."""
    world = logical(max_logical_replication_workers="4")
    run(world, 12, stuck=True, **GONE, apply_errors=None, conflicts={})
    assert (first(world).code, first(world).confidence) == ("subscriber_cannot_connect", 0.5)
    assert "read the log" in (first(world).evidence_against[0].note or "")


def test_a_lost_connection_is_no_failing_apply() -> None:
    """The server counts the loss of the connection as one error; what follows are attempts to connect."""
    world = logical(max_logical_replication_workers="4")
    run(world, 12, stuck=True, **GONE, apply_errors=1)
    assert first(world).code == "subscriber_cannot_connect"


def test_errors_before_somebody_switched_it_off_are_told() -> None:
    """Somebody disabled a failing subscription: they did it, and why stands behind it."""
    world = logical()
    run(world, 10, stuck=True, **GONE, apply_errors=by_two, disable_on_error=False)
    run(world, 10, stuck=True, **GONE, apply_errors=20, disable_on_error=False, enabled=False)
    codes = [cause.code for cause in causes(world)]
    assert codes[:2] == ["subscription_disabled_by_operator", "subscriber_schema_drift"]


def test_a_worker_that_listens_in_vain() -> None:
    """Connected by both ends' words, a publisher that writes, and no message: the network swallows them."""
    world = logical(max_logical_replication_workers="4")
    stands = format_lsn(world.lsn)
    held = {"confirmed_lsn": stands, "active": True}
    run(world, 45, stuck=True, slot=held, received_lsn=stands, latest_end_lsn=stands,
        message_age_s=float, wait="Activity/LogicalApplyMain")  # fmt: skip
    assert first(world).code == "subscriber_cannot_connect"
    assert "heard nothing" in first(world).summary


def test_a_copy_that_fails() -> None:
    """The table is named, its copy is tried again and again, and the other tables go on."""
    world = logical()
    run(world, 20, sync_errors=by_two, tables={"d": 1, "r": 3}, unsynced=["more"])
    cause = first(world)
    assert cause.code == "table_sync_failing"
    assert "more" in cause.summary
    assert "TRUNCATE more;" in cause.fix


def test_a_lock_in_the_way() -> None:
    """The session that holds it is named with its pid, and the fix ends it."""
    world = logical()
    blocker = Session(
        pid=4711, user="app", state="idle in transaction", age_s=60.0, holds="AccessExclusiveLock on items"
    )
    world.servers["pg-3"].set(activity=Activity(blockers=[blocker]))
    stands = format_lsn(world.lsn)
    run(world, 20, stuck=True, slot={"active": True}, received_lsn=stands, latest_end_lsn=stands,
        wait="Lock/relation", blocked_by=[4711], transaction_s=float)  # fmt: skip
    cause = first(world)
    assert (cause.code, cause.confidence) == ("apply_blocked_by_lock", 0.97)
    assert "pg_terminate_backend(4711)" in cause.fix


def test_a_leader_that_waits_for_its_own_workers_is_not_blocked() -> None:
    """Parallel apply waits by locks as well."""
    world = logical()
    stands = format_lsn(world.lsn)
    run(world, 20, stuck=True, slot={"active": True}, received_lsn=stands, latest_end_lsn=stands,
        wait="Lock/applytransaction", blocked_by=[78], transaction_s=float)  # fmt: skip
    assert "apply_blocked_by_lock" not in {cause.code for cause in causes(world)}


def test_a_sender_that_waits_for_a_standby() -> None:
    """The setting and the slot that is not active are named."""
    world = logical()
    up = world.servers["pg-1"]
    up.settings["synchronized_standby_slots"] = "s2"
    world.tell_settings()
    stands = format_lsn(world.lsn)
    waits = Downstream(name="sub", kind="logical", slot="sub", pid=9, wait="Client/WaitForStandbyConfirmation")
    for second in range(20):
        world.subscribe(
            up, world.servers["pg-3"], received_lsn=stands, latest_end_lsn=stands, message_age_s=float(second)
        )
        slot = Slot(name="sub", kind="logical", active=True, confirmed_lsn=stands, failover=True)
        up.set(slots=[slot, Slot(name="s2", active=False)], downstreams=[waits])
        world.step()
    assert first(world).code == "failover_slot_gate"
    assert "slot s2" in first(world).summary


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


def test_a_large_transaction() -> None:
    """The slot keeps much and spilled since it does; what was spilled before is not counted."""
    world = logical()
    stands = format_lsn(world.lsn)
    waits = Downstream(name="sub", kind="logical", slot="sub", pid=9)
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    for second in range(45):
        world.subscribe(up, down, received_lsn=stands, latest_end_lsn=stands, transaction_s=float(second))
        kept = {"retained_bytes": 200 << 20, "spill_bytes": (900 + 10 * second) << 20}
        slot = Slot(name="sub", kind="logical", active=True, confirmed_lsn=stands, wal_status="reserved", **kept)
        up.set(slots=[slot], downstreams=[waits])
        world.step()
    assert first(world).code == "large_transaction_decoding"
    assert "367.0 MB" in first(world).summary  # as it was named, 35 s in


@pytest.mark.parametrize(
    ("session_s", "code"), [(10.0, "orphan_prepared_transaction"), (600.0, "long_transaction_on_primary")]
)
def test_a_prepared_transaction_that_nobody_finishes(session_s: float, code: str) -> None:
    """The slot keeps what its consumer has confirmed. The oldest transaction is to blame, prepared or not."""
    world = logical()
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    stands = format_lsn(world.lsn)
    world.rate = 10_000_000
    oldest = Session(pid=4711, state="active", age_s=session_s)
    up.set(activity=Activity(oldest=[oldest], prepared_transactions=1, prepared_oldest_s=300.0))
    for second in range(60):
        world.subscribe(up, down)
        kept = {
            "restart_lsn": stands,
            "retained_bytes": second * 10_000_000,
            "safe_wal_bytes": (1000 - second) * 10_000_000,
        }
        up.set(slots=[replace(up.fields["slots"][0], wal_status="reserved", **kept)])
        world.step()
    assert first(world).code == code


def two_way(world: World, seconds: int, *, ours: Mapping[str, int], theirs: Mapping[str, int], **shown: Any) -> None:
    """Both servers subscribe to each other; conflicts per second on pg-3 and on pg-1."""
    one, other = world.servers["pg-1"], world.servers["pg-3"]
    for second in range(1, seconds + 1):
        lsn = format_lsn(world.lsn)
        world.subscribe(one, other, database="app", workers=1, **shown)
        (forth,) = [s for s in other.fields["subscriptions"] if s.name == "sub"]
        errors = second if any(kind.endswith("exists") for kind in ours) else 0
        counted = {kind: count * second for kind, count in ours.items()}
        other.set(
            subscriptions=[replace(forth, apply_errors=errors, conflicts=counted)],
            slots=[Slot(name="back", kind="logical", active=True, confirmed_lsn=lsn, restart_lsn=lsn)],
        )
        back = Subscription(name="back", slot="back", database="app", pid=78, received_lsn=lsn, latest_end_lsn=lsn)
        counted = {kind: count * second for kind, count in theirs.items()}
        one.set(subscriptions=[replace(back, origin=shown.get("origin"), conflicts=counted)])
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
    """Rows of another origin on both sides: each may end with the other's value."""
    world = mutual()
    two_way(world, 12, ours={"update_origin_differs": 1}, theirs={"update_origin_differs": 2}, origin="none")
    assert first(world).code == "multi_writer_swap"


def test_a_cause_keeps_to_its_own_subscription() -> None:
    """A subscription that is switched off and accepted does not explain the trouble of another."""
    world = logical(rules={"subscription_disabled": {"enabled": False}})
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    off = Subscription(name="old", slot=None, database="app", enabled=False, disable_on_error=False)
    stands = format_lsn(world.lsn)
    for second in range(15):
        world.subscribe(
            up, down, **GONE, apply_errors=second * 2, conflicts={"insert_exists": second * 2}, database="app"
        )
        up.set(slots=[replace(up.fields["slots"][0], active=False, confirmed_lsn=stands)], downstreams=[])
        down.set(subscriptions=[*down.fields["subscriptions"], off])
        world.step()
    assert first(world).code == "subscriber_duplicate_key"
    assert "subscription_disabled_by_operator" not in {cause.code for cause in causes(world)}


def test_a_name_that_needs_quotes_is_quoted() -> None:
    """A fix can be pasted."""
    from leadline_streams.judge.apply import quoted

    assert [quoted(name) for name in ("sub", "Sub", 'a"b', "s-1")] == ["sub", '"Sub"', '"a""b"', '"s-1"']

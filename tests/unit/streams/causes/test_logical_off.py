"""Subscriptions that are switched off, dropped, without a worker or without a publisher."""

import pytest
from msgspec.structs import replace

from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.logical import COUNTED, GONE, by_two, causes, first, logical, run


def test_a_subscription_switched_off_by_hand() -> None:
    """No error came with it and no option allows it: somebody did it."""
    world = logical()
    run(world, 12, stuck=True, **GONE, enabled=False, disable_on_error=False)
    cause = first(world)
    assert (cause.code, cause.confidence) == ("subscription_disabled_by_operator", 0.96)
    assert cause.fix.startswith("On pg-3, database app: ALTER SUBSCRIPTION sub ENABLE;")


def test_a_subscription_that_an_error_switched_off() -> None:
    """The counter rose as it was disabled and the option is on; the duplicate key is named as the thing to repair."""
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
    """No error, or any error of the apply worker: the publications show it."""
    world = logical()
    up = world.servers["pg-1"]
    up.node = replace(up.node, version_num=version)
    up.set(database="app", publications=("other",))
    errors = by_two if version < 180000 else 0
    run(world, 12, publications=("pub",), apply_errors=errors, conflicts={})
    assert first(world).code == "publication_or_slot_dropped"
    assert says in first(world).summary + first(world).fix


def test_disabled_to_repair_a_dropped_publication() -> None:
    """As the fix says: it is no cause of what was there before."""
    world = logical()
    up = world.servers["pg-1"]
    up.set(database="app", publications=("other",))
    failing = {**GONE, "publications": ("pub",), "conflicts": {}, "disable_on_error": False}
    run(world, 12, stuck=True, **failing, apply_errors=by_two)
    assert "slot_inactive" in world.fired()
    up.set(publications=("other", "pub"))
    run(world, 3, stuck=True, **failing, apply_errors=24, enabled=False)
    codes = [cause.code for cause in causes(world)]
    assert [code for code in codes if code in ("publication_or_slot_dropped", "subscription_disabled_by_operator")] == [
        "publication_or_slot_dropped",
        "subscription_disabled_by_operator",
    ]


def test_a_dropped_subscription_leaves_nothing_behind() -> None:
    """Its slot goes first, then itself; its link and the alert about it end with it."""
    world = logical()
    run(world, 12, stuck=True, **GONE)
    assert world.fired() >= {"replication_cut_off"}
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    up.set(slots=(), downstreams=())
    world.step()
    assert first(world).code != "publication_or_slot_dropped"
    down.set(subscriptions=())
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


def test_a_subscription_is_dropped_and_its_slot_a_moment_later() -> None:
    """One agent sees the subscription gone before the other sees the slot gone. A slot that stays is abandoned."""
    world = logical(max_logical_replication_workers="0")
    run(world, 12, stuck=True, **GONE)
    world.servers["pg-3"].set(subscriptions=())
    for expected in ("apply_workers_exhausted", "slot_abandoned"):
        for _ in range(4):
            world.step()
        named = [step.causes[0].code for step in world.transitions if step.rule == "slot_inactive" and step.causes]
        assert named[-1] == expected
    world.servers["pg-1"].set(slots=())
    for _ in range(10):
        world.step()
    assert world.incidents[-1].state == "resolved"
    assert world.state.memory.nodes["pg-1"].freed == {}


def test_free_workers_and_no_stream() -> None:
    """With room for workers, no errors and the slot waiting, the way between the servers is what is left: a guess."""
    world = logical(max_logical_replication_workers="4", max_worker_processes="8", max_replication_slots="10")
    run(world, 12, stuck=True, **GONE)
    assert first(world).code == "subscriber_cannot_connect"
    assert first(world).confidence == 0.5
    assert {step.risk for step in first(world).steps} == {"look"}


def test_no_stream_before_15_is_a_guess() -> None:
    """Errors are not counted there: a worker that fails to apply looks the same, and the claim says so."""
    world = logical(max_logical_replication_workers="4")
    run(world, 12, stuck=True, **GONE, apply_errors=None, conflicts={})
    assert (first(world).code, first(world).confidence) == ("subscriber_cannot_connect", 0.45)
    assert "read the server log" in (first(world).evidence_against[0].note or "")
    assert "server log shows whether it connects" in (first(world).not_seen[0].note or "")
    assert {step.risk for step in first(world).steps} == {"look"}
    assert "pg_stat_subscription_stats" not in first(world).fix, "the view exists since 15"


def test_a_lost_connection_is_no_failing_apply() -> None:
    """The server counts the loss of the connection as one error; what follows are attempts to connect."""
    world = logical(max_logical_replication_workers="4")
    run(world, 12, stuck=True, **GONE, apply_errors=1)
    assert first(world).code == "subscriber_cannot_connect"


def test_errors_before_somebody_switched_it_off_are_reported() -> None:
    """Somebody disabled a failing subscription: they did it, and why stands behind it."""
    world = logical()
    run(world, 10, stuck=True, **GONE, apply_errors=by_two, disable_on_error=False)
    run(world, 10, stuck=True, **GONE, apply_errors=20, disable_on_error=False, enabled=False)
    codes = [cause.code for cause in causes(world)]
    assert codes[:2] == ["subscription_disabled_by_operator", "apply_refused"]


def test_a_worker_that_listens_in_vain() -> None:
    """Connected by both ends' words, a publisher that writes, and no message: the network swallows them."""
    world = logical(max_logical_replication_workers="4")
    stands = format_lsn(world.lsn)
    held = {"confirmed_lsn": stands, "active": True}
    run(world, 45, stuck=True, slot=held, received_lsn=stands, latest_end_lsn=stands,
        message_age_s=float, wait="Activity/LogicalApplyMain")  # fmt: skip
    assert first(world).code == "subscriber_cannot_connect"
    assert "received nothing" in first(world).summary


def test_a_worker_that_waits_for_a_sender_that_has_ended() -> None:
    """One end has noticed that the connection is lost, the other has not: also while the publisher is idle."""
    for rate in (100_000, 0):
        world = logical(max_logical_replication_workers="4")
        world.rate = rate
        stands = format_lsn(world.lsn)
        run(world, 20, stuck=True, received_lsn=stands, latest_end_lsn=stands,
            message_age_s=float, wait="Activity/LogicalApplyMain")  # fmt: skip
        assert (first(world).code, first(world).confidence) == ("subscriber_cannot_connect", 0.94)
        assert "pg-1 has ended the sender, and the worker (pid 77) still waits for it" in first(world).summary
        assert world.fired() >= {"replication_cut_off"}


def test_a_worker_whose_attempt_to_connect_gets_no_answer() -> None:
    """Neither accepted nor refused, however the version writes the wait."""
    for wait in ("Client/LibpqwalreceiverConnect", "Client/LibPQWalReceiverConnect"):
        world = logical(max_logical_replication_workers="4")
        nothing = {"received_lsn": None, "latest_end_lsn": None}
        run(world, 20, stuck=True, **nothing, message_age_s=float, wait=wait)
        assert (first(world).code, first(world).confidence) == ("subscriber_cannot_connect", 0.9)
        assert "for an answer to its attempt to connect" in first(world).summary

"""Subscriptions whose worker fails, or skips what does not fit."""

import pytest
from msgspec.structs import replace

from leadline.model.replication import Downstream, Subscription
from leadline_streams.engines.postgresql.apply import quoted
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.logical import COUNTED, GONE, by_two, causes, first, logical, rising, run


def test_a_sender_that_just_starts_is_nobody_yet() -> None:
    """A worker that is tried again and again shows without its slot at first: no standby of that name is missed."""
    world = logical()
    starting = Downstream(name="sub", kind="physical", state="startup", pid=7)
    run(world, 1, stuck=True, **GONE)
    world.servers["pg-1"].set(downstreams=(starting,))
    world.step()
    run(world, 60)
    assert world.fired() == set()
    assert len(world.state.memory.links) == 1


def test_a_healthy_subscription_has_no_cause() -> None:
    """A stream that is applied raises nothing."""
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


def test_a_worker_that_met_a_conflict_can_connect() -> None:
    """While it is not there between two attempts, the network is not to blame."""
    world = logical({"slot_inactive": {"for_s": 0.0}})
    met = {**COUNTED, "insert_exists": 1}
    run(world, 3, stuck=True, **GONE, apply_errors=1, conflicts=met)
    assert "slot_inactive" in world.fired()
    assert "subscriber_cannot_connect" not in {cause.code for cause in causes(world)}


def test_a_duplicate_key_of_an_unknown_writer() -> None:
    """Nobody can tell who wrote the row: it names the setting, who switched it off when, and how to switch it on."""
    world = logical(track_commit_timestamp="on")
    world.servers["pg-3"].settings["track_commit_timestamp"] = "off"
    world.send_settings()
    run(world, 12, stuck=True, **GONE, apply_errors=by_two, conflicts=rising("insert_exists"))
    cause = first(world)
    assert cause.code == "subscriber_duplicate_key"
    assert "are not recorded: track_commit_timestamp is off" in cause.summary
    assert "track_commit_timestamp on pg-3 was changed from on to off at" in cause.summary
    assert "ALTER SYSTEM SET track_commit_timestamp = on; Restart PostgreSQL." in cause.fix
    assert ("track_commit_timestamp", "off") in {(e.name, e.value) for e in cause.evidence_for}


def test_a_duplicate_key_of_a_known_writer() -> None:
    """If the server records it, the setting is not mentioned."""
    world = logical(track_commit_timestamp="on")
    run(world, 12, stuck=True, **GONE, apply_errors=by_two, conflicts=rising("insert_exists"))
    assert "track_commit_timestamp" not in first(world).summary + first(world).fix


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
    """Errors rise and no conflict is counted: nothing shows the reason, so nothing but looking is proposed."""
    world = logical()
    run(world, 12, stuck=True, **GONE, apply_errors=by_two)
    assert [cause.code for cause in causes(world)] == ["apply_refused", "subscriber_schema_drift"]
    assert all(cause.confidence < 0.5 for cause in causes(world))
    assert {step.risk for cause in causes(world) for step in cause.steps} == {"look"}


def test_old_conflicts_do_not_hide_a_changed_schema() -> None:
    """A conflict that was repaired minutes ago does not explain errors of now."""
    world = logical()
    run(world, 10, stuck=True, **GONE, apply_errors=by_two, conflicts=rising("insert_exists"))
    kept = {**COUNTED, "insert_exists": 20}
    run(world, 40, apply_errors=20, conflicts=kept)
    run(world, 20, stuck=True, **GONE, apply_errors=lambda second: 20 + second, conflicts=kept)
    codes = [cause.code for cause in causes(world)]
    assert codes[0] != "subscriber_duplicate_key"
    assert "apply_refused" in codes


def test_a_missing_row() -> None:
    """Apply goes on without an error; only the counter shows it."""
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


def test_a_cause_keeps_to_its_own_subscription() -> None:
    """A subscription that is switched off and accepted does not explain the problem of another."""
    world = logical(rules={"subscription_disabled": {"enabled": False}})
    up, down = world.servers["pg-1"], world.servers["pg-3"]
    off = Subscription(name="old", slot=None, database="app", enabled=False, disable_on_error=False)
    stands = format_lsn(world.lsn)
    for second in range(15):
        world.subscribe(
            up, down, **GONE, apply_errors=second * 2, conflicts={"insert_exists": second * 2}, database="app"
        )
        up.set(slots=(replace(up.fields["slots"][0], active=False, confirmed_lsn=stands),), downstreams=())
        down.set(subscriptions=(*down.fields["subscriptions"], off))
        world.step()
    assert first(world).code == "subscriber_duplicate_key"
    assert "subscription_disabled_by_operator" not in {cause.code for cause in causes(world)}


def test_a_name_that_needs_quotes_is_quoted() -> None:
    """A fix can be pasted."""
    assert [quoted(name) for name in ("sub", "Sub", 'a"b', "s-1")] == ["sub", '"Sub"', '"a""b"', '"s-1"']

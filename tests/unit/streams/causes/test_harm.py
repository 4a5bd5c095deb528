"""Causes that may propose to destroy something: when they do, and when one thing that could need it is not seen.

That the step is gone when any server of the cluster is silent, hangs or hides its part, ``tests.unit.streams.harm``
checks for every claim of every test; here each such cause makes one.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.catalogue import CAUSES as CATALOGUE
from leadline.model.activity import Activity
from leadline.model.replication import Downstream, Positions, Slot, Subscription
from leadline_streams import causes as package
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.engines.postgresql.needs import not_needed
from leadline_streams.engines.postgresql.statements import COMMITTING, end_session
from tests.unit.streams.causes import logical as of_subscription
from tests.unit.streams.causes.logical import logical, rising
from tests.unit.streams.causes.physical import change, first, pair, run, session
from tests.unit.streams.harm import HARMS
from tests.unit.streams.world import World

REFUSED = {"up": False, "error": "refused: connection refused"}
COPY = Slot(name="pg_16396_sync_16401_7003", kind="logical", restart_lsn="0/1000000", retained_bytes=10)


def harms(world: World) -> list[str]:
    """The destructive steps of the first cause, which shows why each is safe."""
    found = [step.sql or step.text or "" for step in first(world).steps if step.risk == "destructive"]
    assert bool(found) <= ("not_needed" in {each.name for each in first(world).evidence_for})
    return found


def dropped_subscription() -> World:
    """Its slot stays, as with slot_name = NONE."""
    world = logical()
    of_subscription.run(world, 10)
    world.servers["pg-3"].set(subscriptions=())
    for _ in range(20):
        up = world.servers["pg-1"]
        up.set(slots=[replace(one, active=False) for one in up.fields["slots"]], downstreams=())
        world.step()
    return world


def lost_slot() -> World:
    world = pair()
    lost = {"active": False, "wal_status": "lost", "invalidation_reason": "wal_removed"}
    run(world, 10, cut=True, slot=lost)
    return world


def removed_wal(restore: str | None = "") -> World:
    """The standby is of the same timeline, before the end of its upstream, and has no archive."""
    world = pair()
    for server in world.servers.values():
        server.node = replace(server.node, timeline=1)
    if restore is not None:
        change(world, "pg-2", restore_command=restore)
    stands, redo = world.lsn, world.lsn + 100_000_000
    for _ in range(10):
        positions = Positions(current_lsn=format_lsn(world.lsn), redo_lsn=format_lsn(redo))
        up = {"slots": [], "positions": positions}
        run(world, 1, cut=True, replayed=stands, receiver={"slot": None}, up=up)
    return world


def dead_primary() -> World:
    world = pair()
    run(world, 10, cut=True, up=REFUSED)
    return world


def fork() -> World:
    world = pair()
    primary, standby = world.servers["pg-1"], world.servers["pg-2"]
    primary.node, standby.node = replace(primary.node, timeline=2), replace(standby.node, timeline=1)
    run(world, 10, cut=True, positions={"received_lsn": "0/F00000"})
    return world


def duplicate() -> World:
    world = logical()
    of_subscription.run(world, 12, stuck=True, apply_errors=of_subscription.by_two, conflicts=rising("insert_exists"))
    return world


def gone_publication() -> World:
    world = logical()
    up = world.servers["pg-1"]
    up.node = replace(up.node, version_num=170006)
    up.set(database="app", publications=("other",))
    of_subscription.run(world, 12, publications=("pub",), apply_errors=of_subscription.by_two, conflicts={})
    return world


def missing_synchronous(down: dict[str, object] = REFUSED) -> World:
    """Commits wait for the standby, which is down."""
    world = pair()
    change(world, "pg-1", synchronous_standby_names='"pg-2"')
    waits = Activity(sync_waiters=4, sync_wait_s=9.0)
    run(world, 10, cut=True, up={"activity": waits}, down=down)
    return world


DESTROYS: dict[str, tuple[Callable[[], World], str]] = {
    "slot_abandoned": (dropped_subscription, "pg_drop_replication_slot('sub')"),
    "slot_invalidated": (lost_slot, "pg_drop_replication_slot('s2')"),
    "wal_removed": (removed_wal, "rebuild it from pg-1 with pg_basebackup"),
    "primary_down": (dead_primary, "promote the standby"),
    "timeline_fork": (fork, "pg_rewind"),
    "subscriber_duplicate_key": (duplicate, "SKIP (lsn = "),
    "publication_or_slot_dropped": (gone_publication, "pg_replication_slot_advance"),
}
ELSEWHERE = {
    "bidirectional_loop": "test_logical_both_ways",
    "slot_sync_misconfigured": "rules/test_slot_sync_off",
    "sync_standby_missing": "careful, below",
}
"""Causes whose destructive or weakening steps other tests bring about."""


@pytest.mark.parametrize("code", sorted(DESTROYS))
def test_what_is_not_needed_may_be_discarded(code: str) -> None:
    """After a statement that looks, and with the evidence that nothing needs it."""
    make, step = DESTROYS[code]
    world = make()
    named = next(cause for cause in world.causes if cause.code == code)
    assert any(step in one for one in (each.sql or each.text or "" for each in named.steps)), named.steps
    assert any(each.name == "not_needed" and each.note for each in named.evidence_for), named.evidence_for


def test_every_cause_that_may_destroy_something_is_tried() -> None:
    """A new cause with such a step has to be added above."""
    words = re.compile(r'"destructive"|\bdrop_slot\(|\brebuild_standby\(|\.skip\b|not_needed=')
    folder = Path(package.__file__).parent
    found = {file.stem for file in folder.glob("*.py") if words.search(file.read_text())}
    assert found == {*DESTROYS, *ELSEWHERE}


def test_what_is_written_into_a_post_mortem_destroys_nothing_by_itself() -> None:
    """Its tasks are carried out later, by somebody who did not see the incident."""
    for code, entry in CATALOGUE.items():
        for text in entry.tasks:
            if HARMS.search(text) and "REVOKE" not in text:
                assert re.search(r"\b(only when|only then|Rehearse)\b", text), (
                    code,
                    text,
                )


def test_a_slot_of_a_subscriber_that_was_demoted_keeps_its_owner() -> None:
    """The subscriber became a standby, which shows no subscriptions; the server that took over is not watched."""
    world = logical()
    of_subscription.run(world, 10)
    down, up = world.servers["pg-3"], world.servers["pg-1"]
    down.node = replace(down.node, role="standby")
    down.set(subscriptions=(), positions=Positions(received_lsn="0/1000000", replayed_lsn="0/1000000"))
    for _ in range(20):
        up.set(slots=[replace(one, active=False) for one in up.fields["slots"]], downstreams=())
        world.step()
    assert world.state.memory.nodes["pg-1"].freed == {}
    assert not any(step.risk == "destructive" for cause in world.causes for step in cause.steps)


@pytest.mark.parametrize("group", ["not_permitted", "not_supported", "not_read"])
def test_subscriptions_that_are_not_shown_are_not_gone(group: str) -> None:
    """The server that the slot of a copy names hides its subscriptions, so it may have this one."""
    world = World(slot_inactive={"for_s": 5.0, "keep_s": 5.0})
    up = world.add("pg-1", "primary")
    world.add("pg-3", "primary", system_id="7003").set(**{group: ("subscriptions",)})
    for _ in range(20):
        up.set(slots=(COPY,), positions=Positions(current_lsn=format_lsn(world.lsn)))
        world.step()
    assert first(world).code == "slot_abandoned"
    assert harms(world) == []
    assert any(each.node == "pg-3" for each in first(world).not_seen)


def test_a_copy_of_the_subscriber_may_own_the_slot_of_a_table_copy() -> None:
    """Two servers have the system identifier that the slot names, as after a restore: one has the subscription."""
    world = World(slot_inactive={"for_s": 5.0, "keep_s": 5.0})
    up = world.add("pg-1", "primary")
    world.add("pg-3", "primary", system_id="7003")
    world.add("pg-4", "primary", system_id="7003").set(subscriptions=(Subscription(name="sub", oid=16396),))
    for _ in range(20):
        up.set(slots=(COPY,), positions=Positions(current_lsn=format_lsn(world.lsn)))
        world.step()
    assert not any(step.risk == "destructive" for cause in world.causes for step in cause.steps)


def test_nobody_is_promoted_beside_a_standby_that_is_not_watched() -> None:
    """It may have received more, or still receive."""
    world = pair()
    other = Downstream(name="offsite", state="streaming", pid=77, reply_age_s=0.5, replay_lsn="0/1000000")
    for _ in range(10):
        run(world, 1)
        up = world.servers["pg-1"]
        up.set(downstreams=(*up.fields["downstreams"], other))
        world.step()
    run(world, 10, cut=True, up=REFUSED)
    assert first(world).code == "primary_down"
    assert harms(world) == []


def test_nobody_is_promoted_while_the_primary_only_does_not_answer() -> None:
    """It may run behind a cut network, and take writes."""
    world = pair()
    run(world, 10, cut=True, up={"up": False, "error": "timeout: no answer in 0.9 s"})
    assert first(world).code == "primary_down"
    assert harms(world) == []


@pytest.mark.parametrize("restore", ["cp /archive/%f %p", None])
def test_a_standby_with_an_archive_is_not_rebuilt(restore: str | None) -> None:
    """Its restore_command may bring the WAL; nor where the setting is not known."""
    world = removed_wal(restore)
    assert first(world).code == "wal_removed"
    assert harms(world) == []
    assert "let pg-2 restore it with restore_command" in first(world).fix


def test_a_standby_that_others_follow_is_not_rebuilt() -> None:
    world = pair()
    leaf = world.add("pg-5", "standby")
    for server in world.servers.values():
        server.node = replace(server.node, timeline=1)
    change(world, "pg-2", restore_command="")
    stands, redo = world.lsn, world.lsn + 100_000_000
    for _ in range(10):
        world.stream(world.servers["pg-2"], leaf, received=stands)
        positions = Positions(current_lsn=format_lsn(world.lsn), redo_lsn=format_lsn(redo))
        run(world, 1, cut=True, replayed=stands, receiver={"slot": None}, up={"slots": [], "positions": positions})
    named = next(cause for cause in world.causes if cause.code == "wal_removed")
    assert not any(step.risk == "destructive" for step in named.steps)


@pytest.mark.parametrize(
    ("down", "gives_up"),
    [(REFUSED, True), ({"up": False, "error": "timeout: no answer in 0.9 s"}, False)],
    ids=["refused", "silent"],
)
def test_commits_wait_on_unless_the_standby_is_seen_not_to_lead(down: dict[str, object], gives_up: bool) -> None:
    """One that does not answer may have been promoted: what is then committed here alone would be lost."""
    world = missing_synchronous(down)
    records = [one for one in (*world.incidents, *world.transitions) if one.causes]
    named = [cause for one in records for cause in one.causes if cause.code == "sync_standby_missing"][-1]
    assert any("synchronous_standby_names = ''" in (step.sql or "") for step in named.steps) is gives_up
    assert ("not_needed" in {each.name for each in named.evidence_for}) is gives_up


def test_commits_wait_on_for_a_standby_that_is_not_watched() -> None:
    world = pair()
    change(world, "pg-1", synchronous_standby_names="offsite")
    run(world, 10, up={"activity": Activity(sync_waiters=4, sync_wait_s=9.0)})
    assert first(world).code == "sync_standby_missing"
    assert {step.risk for step in first(world).steps} <= {"look", "safe"}


def test_a_session_whose_commit_waits_for_a_standby_is_not_ended() -> None:
    """It is committed; ending it makes it visible before a standby has it."""
    name = pair().servers["pg-1"].node.name
    for wait, ended in ((None, True), ("Client/ClientRead", True), (COMMITTING, False)):
        (blocker,) = session(wait=wait, state="active").blockers
        assert bool(end_session(name, blocker)) is ended


def test_evidence_says_what_is_not_needed_and_why() -> None:
    assert not_needed("slot s", "pg-1", "nobody reads it").note == "nobody reads it"

"""Causes of a link that carries nothing, and of slots that retain WAL."""

import pytest
from msgspec.structs import replace

from leadline.model.host import Archiver
from leadline.model.replication import Downstream, Positions, Slot
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.physical import causes, change, codes, first, pair, run, session
from tests.unit.streams.world import World

RETRIES = {"startup_wait": "Timeout/RecoveryRetrieveRetryInterval"}


def test_a_standby_that_is_turned_away() -> None:
    """Both servers answer, and what refuses cannot be distinguished from outside: the fix names the place to look."""
    world = pair()
    run(world, 10, cut=True, positions=RETRIES)
    assert first(world).code == "standby_cannot_connect"
    assert first(world).confidence == 0.5
    assert "the reason is in the server log of pg-2" in first(world).summary
    assert {step.risk for step in first(world).steps} == {"look"}


def test_a_changed_conninfo() -> None:
    """The change is the reason, and surer than a guess at the network."""
    world = pair()
    change(world, "pg-2", primary_conninfo="host=pg-1.db")
    change(world, "pg-2", primary_conninfo="host=elsewhere")
    run(world, 10, cut=True, positions=RETRIES, receiver={"host": "elsewhere"})
    assert first(world).confidence == 0.95
    assert "primary_conninfo on pg-2 was changed from host=pg-1.db to host=elsewhere" in first(world).summary


def test_a_conninfo_that_was_just_put_right() -> None:
    """A change of a moment ago has not led anywhere yet: it is no reason."""
    world = pair()
    change(world, "pg-2", primary_conninfo="host=elsewhere")
    run(world, 10, cut=True, positions=RETRIES)
    change(world, "pg-2", primary_conninfo="host=pg-1.db")
    run(world, 2, cut=True, positions=RETRIES)
    assert "to host=pg-1.db" not in first(world).summary


def test_a_standby_that_comes_back_from_a_stranger() -> None:
    """Set back to its own primary, it needs a moment; the last change that is known is still that to the stranger."""
    world = pair()
    world.add("pg-9", "primary", system_id="9009").set(positions=Positions(current_lsn="0/100"))
    change(world, "pg-2", primary_conninfo="host=pg-1.db")
    change(world, "pg-2", primary_conninfo="host=pg-9.db")
    run(world, 10, cut=True, positions=RETRIES, receiver={"host": "pg-9.db"})
    assert first(world).code == "wrong_cluster"
    run(world, 2, cut=True, positions=RETRIES)
    assert first(world).code == "wrong_cluster"
    assert world.incidents[-1].title == "orders: pg-2 follows a server of another cluster"


def test_an_idle_standby_that_was_restarted() -> None:
    """The received position is the start of a segment; the standby has replayed more, and misses nothing."""
    world = pair()
    world.rate = 0
    run(world, 5)
    began = format_lsn(world.lsn - 500_000)
    run(world, 25, positions={"received_lsn": began}, receiver={"message_age_s": 20.0}, row={"reply_age_s": 8.0})
    assert world.fired() == set()


def test_which_direction_is_dead() -> None:
    """The connections that still carry messages show where packets are lost."""
    for row, receiver, where in (
        ({"reply_age_s": 20.0, "write_lsn": "0/1000000"}, {}, "from pg-2 to pg-1"),
        ({}, {"message_age_s": 40.0}, "from pg-1 to pg-2"),
        ({"reply_age_s": 8.0, "write_lsn": "0/1000000"}, {"message_age_s": 20.0}, "from pg-1 to pg-2"),
        ({"reply_age_s": 20.0, "write_lsn": "0/1000000"}, {"message_age_s": 20.0}, "in both directions"),
    ):
        world = pair()
        run(world, 10, row=row, receiver=receiver)
        assert first(world).code == "standby_cannot_connect"
        assert f"nothing passes {where}:" in first(world).summary


def test_a_connection_that_is_younger_than_the_silence() -> None:
    """The last message of the receiver is older than the break: no connection is one-way."""
    for connected_s, claimed in ((0.5, False), (60.0, True)):
        world = pair()
        run(world, 10, row={"connected_s": connected_s}, receiver={"message_age_s": 40.0})
        assert ("standby_cannot_connect" in codes(world)) is claimed


def test_a_receiver_that_does_not_give_up() -> None:
    """Silent for longer than it may be: a receiver that ran would have ended itself."""
    world = pair()
    run(world, 10, row={"reply_age_s": 70.0, "write_lsn": "0/1000000"}, receiver={"message_age_s": 70.0})
    assert first(world).code == "standby_hung"
    assert world.incidents[-1].title == "orders: the WAL receiver of pg-2 hangs"


def test_a_standby_without_conninfo() -> None:
    """It does not even try."""
    world = pair()
    run(world, 10, cut=True, receiver={"configured": False})
    assert codes(world)[0] == "wal_receiver_stopped"
    assert "standby_cannot_connect" not in codes(world)


def test_a_receiver_that_ended_while_replay_is_paused() -> None:
    """Only replay starts a new receiver; the pause itself is named before it."""
    world = pair()
    run(world, 10, cut=True, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    assert codes(world)[:2] == ["replay_paused_by_operator", "wal_receiver_stopped"]


def test_a_slot_that_is_missing() -> None:
    """The standby asks for a slot that its upstream does not have; the fix makes it, quoted."""
    world = pair()
    run(world, 10, cut=True, receiver={"slot": "it's"}, up={"slots": []})
    assert first(world).code == "slot_missing"
    assert "pg_create_physical_replication_slot('it''s', true)" in first(world).fix
    assert "standby_cannot_connect" not in codes(world)


def test_a_slot_that_somebody_else_holds() -> None:
    """The session that holds it: its client, address and process."""
    world = pair()
    thief = Downstream(name="pg_receivewal", slot="s2", state="streaming", pid=99, address="10.0.0.9")
    for _ in range(10):
        run(world, 1, cut=True, up={"downstreams": [thief]}, slot={"active": True, "active_pid": 99})
    assert first(world).code == "slot_in_use_elsewhere"
    assert "held by pg_receivewal from 10.0.0.9, pid 99" in first(world).summary


@pytest.mark.parametrize(("timeout", "ends"), [("60000", "after 1 min"), ("0", "it does not end by itself")])
def test_a_slot_that_is_held_by_a_lost_connection(timeout: str, ends: str) -> None:
    """The standby has no receiver, and its old sender no reply: its new address is not to blame."""
    world = pair()
    change(world, "pg-1", wal_sender_timeout=timeout)
    change(world, "pg-2", primary_conninfo="host=pg-1.new")
    old = replace(world.servers["pg-1"].fields["downstreams"][0], reply_age_s=30.0, pid=42, connected_s=90.0)
    held = Slot(name="s2", active=True, active_pid=42, wal_status="reserved", restart_lsn="0/1000000")
    run(world, 12, cut=True, positions=RETRIES, up={"downstreams": (old,), "slots": (held,)})
    cause = first(world)
    assert (cause.code, cause.confidence) == ("slot_in_use_elsewhere", 0.95)
    assert ends in cause.summary
    assert "pg_terminate_backend(42)" in str(cause.steps)
    assert "standby_cannot_connect" not in codes(world)


def test_a_slot_that_was_invalidated() -> None:
    """The reason and the setting behind it; slots of versions without a reason lost their WAL."""
    for slot, reason in (
        ({"invalidation_reason": "idle_timeout"}, "(idle_timeout)"),
        ({"wal_status": "lost"}, "(wal_removed)"),
        ({"conflicting": True}, "(rows_removed)"),
    ):
        world = pair()
        run(world, 10, cut=True, slot=slot)
        assert first(world).code == "slot_invalidated"
        assert reason in first(world).summary
        assert ": pg-2 cannot continue" in first(world).summary


def test_a_slot_that_nobody_uses() -> None:
    """No watched server follows by it."""
    world = pair()
    world.stream(world.servers["pg-1"], world.servers["pg-2"])
    gone = Slot(name="gone", wal_status="reserved", restart_lsn="0/1000000", retained_bytes=5_000_000, inactive_s=600.0)
    for _ in range(10):
        kept = [one for one in world.servers["pg-1"].fields["slots"] if one.name != "gone"]
        run(world, 1, up={"slots": [*kept, gone]})
    assert codes(world) == ["slot_abandoned"]
    assert "for 10 min; it retains 5.0 MB of WAL" in first(world).summary


def test_the_slot_of_a_standby_that_is_down_is_not_abandoned() -> None:
    """It has an owner, whose problem is the cause."""
    world = pair()
    run(world, 15, cut=True, down={"up": False, "error": "refused: connection refused"})
    assert "slot_inactive" in world.fired()
    assert codes(world) == ["standby_down"]
    assert "pg-1 retains WAL for it in slot s2" in first(world).summary


def held(world: World, seconds: int, **slot: object) -> None:
    """A logical slot that retains more and more WAL."""
    for second in range(seconds):
        end = world.lsn
        logical = Slot(
            **{
                "name": "sub",
                "kind": "logical",
                "active": True,
                "active_pid": 55,
                "restart_lsn": "0/1000000",
                "confirmed_lsn": format_lsn(end),
                "retained_bytes": 100_000_000 + second * 10_000_000,
                "safe_wal_bytes": 1_000_000_000,
                "wal_status": "reserved",
                **slot,
            }
        )
        kept = [one for one in world.servers["pg-1"].fields["slots"] if one.name != "sub"]
        run(world, 1, up={"slots": [*kept, logical], "activity": session()})


def test_a_long_transaction_keeps_wal() -> None:
    """The retained WAL is older than the position that the consumer confirmed: the consumer does not hold it."""
    world = pair()
    world.lsn += 200_000_000
    held(world, 40)
    assert first(world).code == "long_transaction_on_primary"
    assert "transaction of pid 4711 on pg-1" in first(world).summary


def test_a_consumer_that_is_stuck() -> None:
    """Connected, and nothing confirmed."""
    world = pair()
    held(world, 40, confirmed_lsn="0/1000000")
    assert first(world).code == "slot_consumer_stuck"
    assert "pid 55" in first(world).summary


def without_slot(world: World, seconds: int, redo: int, **up: object) -> None:
    """A standby without a slot is cut off while the primary makes checkpoints."""
    stands = world.lsn
    for _ in range(seconds):
        positions = Positions(current_lsn=format_lsn(world.lsn), redo_lsn=format_lsn(redo))
        shown = {"slots": [], "positions": positions, **up}
        run(world, 1, cut=True, replayed=stands, receiver={"slot": None}, up=shown)


def test_log_that_was_removed() -> None:
    """The standby's position is before all that the last checkpoint left."""
    world = pair()
    without_slot(world, 10, redo=world.lsn + 100_000_000)
    assert first(world).code == "wal_removed"
    assert "wal_keep_size = 0" in first(world).summary


def test_log_that_something_still_holds() -> None:
    """Near enough, kept by a setting, or not archived yet: it may still be there, and nothing is claimed."""
    for redo, keep, up in (
        (1_000_000, "0", {}),
        (100_000_000, "1024", {}),
        (100_000_000, "0", {"archiver": Archiver(archived=1, failed=2, last_failed_s=1.0)}),
    ):
        world = pair()
        change(world, "pg-1", wal_keep_size=keep)
        without_slot(world, 10, redo=world.lsn + redo, **up)
        assert "wal_removed" not in codes(world)
        assert "standby_cannot_connect" in codes(world)


def test_another_cluster() -> None:
    """The ends' system identifiers differ."""
    world = pair()
    primary = world.servers["pg-1"]
    primary.node = replace(primary.node, system_id="9009")
    run(world, 10, cut=True)
    assert first(world).code == "wrong_cluster"


def test_a_fork() -> None:
    """On an older timeline, and streaming never got to where the standby already is."""
    world = pair()
    primary, standby = world.servers["pg-1"], world.servers["pg-2"]
    primary.node, standby.node = replace(primary.node, timeline=2), replace(standby.node, timeline=1)
    run(world, 10, cut=True, positions={"received_lsn": "0/F00000"})
    assert first(world).code == "timeline_fork"
    assert "pg-2 is on timeline 1 and pg-1 on 2" in first(world).summary
    assert "standby_cannot_connect" not in codes(world)


def kept(timeline: str = "current", *, left: str | None, every: int = 5) -> World:
    """pg-1 was promoted to timeline 2, and a setting keeps pg-2 on 1; ``left``: where pg-1 left timeline 1.

    ``every``: pg-2 asks for more of timeline 1 in every so many looks.
    """
    world = pair()
    change(world, "pg-2", recovery_target_timeline=timeline)
    primary, standby = world.servers["pg-1"], world.servers["pg-2"]
    primary.node, standby.node = replace(primary.node, timeline=2), replace(standby.node, timeline=1)
    stuck, segment = world.lsn, {"received_lsn": "0/F00000"}
    for second in range(1, 12):
        status = "waiting" if second % every else "streaming"
        up = {"positions": Positions(current_lsn=format_lsn(world.lsn), replayed_lsn=left)}
        run(world, 1, replayed=stuck, up=up, receiver={"status": status, "timeline": 1}, positions=segment)
    return world


@pytest.mark.parametrize("timeline", ["current", "1"])
def test_a_setting_keeps_a_standby_on_its_timeline(timeline: str) -> None:
    """It waits for WAL of a timeline that has ended, and holds nothing from after that."""
    cause = first(kept(timeline, left="F/0"))
    assert cause.code == "timeline_not_followed"
    assert cause.confidence > 0.95
    assert not cause.not_seen
    done = [step.sql or step.text for step in cause.steps]
    assert done[1:] == ["ALTER SYSTEM SET recovery_target_timeline = 'latest'", "Restart PostgreSQL"]


def test_a_kept_timeline_may_hide_a_fork() -> None:
    """Unless it is known where the old timeline ends, a look comes first; beyond its end, a restart helps nobody."""
    unknown = kept(left=None)
    assert first(unknown).code == "timeline_not_followed"
    assert "Compare pg_last_wal_replay_lsn()" in str(first(unknown).steps[1].text)
    assert first(unknown).not_seen
    beyond = kept(left="0/1")
    assert first(beyond).code == "timeline_fork"
    assert "timeline_not_followed" not in codes(beyond)


def test_a_timeline_that_is_named_and_reached() -> None:
    """The setting does not keep it from the timeline that its upstream has."""
    assert "timeline_not_followed" not in codes(kept("2", left="F/0"))


def test_a_receiver_that_asks_for_more_of_an_old_timeline() -> None:
    """It streams for a moment at each attempt and gets nothing: the link stays cut. One that gets more is connected."""
    world = kept(left="F/0", every=2)
    assert [one.to for one in world.transitions if one.rule == "replication_cut_off"] == ["pending", "firing"]
    run(world, 3, receiver={"timeline": 1})
    assert all(link.connected for link in world.state.memory.links.values())


@pytest.mark.parametrize("up", [False, True], ids=["down", "up"])
def test_a_change_away_from_a_server(up: bool) -> None:
    """From one that is down it follows a failure: it is not blamed, and its value of before is not proposed again."""
    world = pair()
    old = world.add("pg-0", "primary", system_id="9009")
    change(world, "pg-2", primary_conninfo=f"user=replicator host={old.node.host} port={old.node.port}")
    old.set(up=up, error=None if up else "connection refused")
    run(world, 3)
    change(world, "pg-2", primary_conninfo="user=replicator host=pg-1.db port=5432")
    run(world, 10, cut=True)
    assert ("config_changed" in codes(world)) == up


def test_a_cascade_blames_the_hop_above() -> None:
    """The leaf has all that its upstream has; the hop above lost the time."""
    world = pair()
    middle, leaf = world.servers["pg-2"], world.add("pg-3", "standby")
    for _ in range(10):
        world.stream(middle, leaf)
        run(world, 1)
    stuck = world.lsn
    for _ in range(20):
        world.stream(middle, leaf, replayed=stuck, received=stuck)
        run(world, 1, replayed=stuck, received=stuck, row={"wait": "Client/WalSenderWriteData", "reply_age_s": 0.1})
    blamed = next(cause for cause in causes(world) if cause.code == "cascade_upstream_behind")
    assert blamed.subject.id == "orders/pg-1->pg-2"
    assert first(world).subject.id == "orders/pg-1->pg-2"
    assert first(world).code == "network_slow"

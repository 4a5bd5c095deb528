"""Causes of a standby that receives and does not apply, or not in time."""

import pytest

from leadline.model.activity import Activity
from tests.unit.streams.causes.physical import RULES_SOON, causes, change, codes, first, pair, run, session
from tests.unit.streams.world import World

HOSTILE = "SELECT '\x1b[31m'; DROP TABLE x; --"


@pytest.mark.parametrize(
    ("wait", "held"),
    [("IPC/RecoveryConflictSnapshot", "a snapshot"), ("Lock/relation", "a lock"), ("BufferPin/BufferPin", "a page")],
)
def test_a_query_that_replay_waits_for(wait: str, held: str) -> None:
    """The query's pid, what it holds, and the setting that lets it."""
    world = pair()
    change(world, "pg-2", max_standby_streaming_delay="-1")
    run(world, 15, replayed=world.lsn, positions={"startup_wait": wait}, down={"activity": session(query=HOSTILE)})
    cause = first(world)
    assert (cause.code, cause.confidence) == ("standby_query_blocks_replay", 0.98)
    assert f"pid 4711 on pg-2 (user report, idle in transaction, open for 42 s) holds {held}" in cause.summary
    assert "max_standby_streaming_delay = -1 (unlimited) lets it wait indefinitely" in cause.summary
    assert "was changed from 30000 to -1 (unlimited)" in cause.summary
    assert "SELECT pg_terminate_backend(4711);" in cause.fix
    assert codes(world)[1] == "config_changed"


def test_a_setting_that_is_put_back_is_not_blamed() -> None:
    """The change before it began is; the one that repairs it, or what is changed besides, is not."""
    world = pair()
    change(world, "pg-2", max_standby_streaming_delay="-1")
    run(world, 15, replayed=world.lsn, positions={"startup_wait": "Lock/relation"}, down={"activity": session()})
    change(world, "pg-2", max_standby_streaming_delay="30000")
    run(world, 5, replayed=world.lsn, positions={"startup_wait": "Lock/relation"}, down={"activity": session()})
    (blamed,) = [cause for cause in causes(world) if cause.code == "config_changed"]
    assert "was changed from 30000 to -1 (unlimited) at" in blamed.summary
    assert "ALTER SYSTEM SET max_standby_streaming_delay = 30000; SELECT pg_reload_conf();" in blamed.fix


def test_the_title_is_that_of_the_first_cause_to_the_end() -> None:
    """The present problem comes first while it lasts; when all signs are gone, the likeliest is first and named."""
    world = pair()
    change(world, "pg-2", max_standby_streaming_delay="-1")
    run(world, 15, replayed=world.lsn, positions={"startup_wait": "Lock/relation"}, down={"activity": session()})
    blocked, named_at = world.incidents[-1].title, world.incidents[-1].cause_at
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    assert first(world).code == "replay_paused_by_operator"
    assert world.incidents[-1].title != blocked
    assert world.incidents[-1].cause_at != named_at
    run(world, 40, positions={"replay_paused": False, "startup_wait": None})
    assert (world.incidents[-1].state, first(world).code) == ("resolved", "standby_query_blocks_replay")
    assert (world.incidents[-1].title, world.incidents[-1].cause_at) == (blocked, named_at)


def test_a_limit_that_was_always_there_is_less_certain() -> None:
    """Without a change shortly before, the setting still lets the query block, and nobody did it just now."""
    world = pair()
    world.servers["pg-2"].settings["max_standby_streaming_delay"] = "-1"
    wait = {"startup_wait": "IPC/RecoveryConflictSnapshot"}
    world.send_settings()
    world.state.memory.changes.clear()
    run(world, 15, replayed=world.lsn, positions=wait, down={"activity": session()})
    cause = first(world)
    assert (cause.code, cause.confidence) == ("standby_query_blocks_replay", 0.96)
    assert "lets it wait indefinitely" in cause.summary
    assert "changed" not in cause.summary


def test_the_text_of_a_query_is_evidence_only() -> None:
    """Text of a client never gets into a sentence or a statement to run."""
    world = pair()
    run(
        world,
        15,
        replayed=world.lsn,
        positions={"startup_wait": "Lock/relation"},
        down={"activity": session(query=HOSTILE)},
    )
    cause = first(world)
    assert HOSTILE in [evidence.note for evidence in cause.evidence_for]
    assert "DROP" not in cause.summary + cause.fix + world.incidents[-1].title


def test_replay_of_little_wal_that_waits_for_a_query() -> None:
    """Less than two pages are behind, of a primary that is idle by now: what was received is not applied."""
    world = pair()
    change(world, "pg-2", max_standby_streaming_delay="-1")
    world.rate, stuck = 0, world.lsn - 3_000
    wait = {"startup_wait": "Lock/relation"}
    run(world, 15, replayed=stuck, received=world.lsn, positions=wait, down={"activity": session()})
    assert (first(world).code, first(world).confidence) == ("standby_query_blocks_replay", 0.98)
    (link,) = world.state.memory.links.values()
    assert (link.verdict, link.lag_units) == ("replay_stalled", 3_000)
    run(world, 10)
    assert (link.verdict, link.lag_s) == ("idle", 0.0)


def test_a_wait_beside_nothing_to_apply() -> None:
    """A session event of the startup process while all is applied is no stall."""
    world = pair()
    run(world, 15, positions={"startup_wait": "Lock/relation"})
    assert world.fired() == set()


def test_replay_that_works_blocks_nobody() -> None:
    """Busy replay that falls behind is too slow, and no session is to blame."""
    world = pair()
    replayed = world.lsn
    for _ in range(20):
        replayed += 20_000
        run(world, 1, replayed=replayed, positions={"startup_wait": None})
    assert first(world).code == "replay_cannot_keep_up"
    assert "standby_query_blocks_replay" not in codes(world)


def test_queries_that_replay_cancels() -> None:
    """Kinds by number, and the setting that helps against the most frequent."""
    world = pair()
    change(world, "pg-2", hot_standby_feedback="off")
    for count in range(15):
        run(world, 1, down={"conflicts": {"app": {"snapshot": count, "lock": count // 4}}})
    cause = first(world)
    assert cause.code == "recovery_conflict_cancels"
    assert " by snapshot, 2 by lock; max_standby_streaming_delay = 30000" in cause.summary
    assert "hot_standby_feedback = on" in cause.fix


def test_a_pause_by_an_operator() -> None:
    """No setting explains it."""
    world = pair()
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    assert codes(world) == ["replay_paused_by_operator"]


def test_a_pause_by_a_parameter() -> None:
    """The setting with both values, and the warning not to resume."""
    world = pair()
    change(world, "pg-1", max_connections="150")
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    cause = first(world)
    assert cause.code == "replay_paused_by_parameter"
    assert "max_connections is 100 there and 150 on pg-1" in cause.summary
    assert "Do not resume replay" in cause.fix
    assert "replay_paused_by_operator" not in codes(world)


def test_a_pause_at_a_recovery_target() -> None:
    """Resuming would promote the standby, so that is not proposed."""
    world = pair()
    change(world, "pg-2", recovery_target_lsn="0/5000000")
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    cause = first(world)
    assert cause.code == "recovery_target_reached"
    assert "recovery_target_lsn = 0/5000000" in cause.summary
    assert "pg_wal_replay_resume" not in str(causes(world))
    assert "replay_paused_by_operator" not in codes(world)


def test_a_pause_of_a_standby_whose_settings_are_not_seen() -> None:
    """Whether resuming is safe cannot be known, so only looking is proposed."""
    world = pair()
    world.state.memory.nodes["pg-2"].settings = {}
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True, "startup_wait": "IPC/RecoveryPause"})
    cause = first(world)
    assert (cause.code, cause.confidence) == ("replay_paused_by_operator", 0.5)
    assert {step.risk for step in cause.steps} == {"look"}
    assert cause.not_seen


def test_a_setting_that_is_no_number() -> None:
    """Values that cannot be compared explain nothing, and break nothing."""
    world = pair()
    run(world, 5, replayed=world.lsn, positions={"replay_paused": True})
    world.servers["pg-1"].settings["max_prepared_transactions"] = "lots"
    world.servers["pg-2"].settings["max_prepared_transactions"] = "0"
    world.send_settings()
    run(world, 5, replayed=world.lsn, positions={"replay_paused": True})
    assert first(world).code == "replay_paused_by_operator"


def test_a_configured_delay() -> None:
    """Late on purpose, with the change that made it so."""
    world = pair()
    change(world, "pg-2", recovery_min_apply_delay="0")
    change(world, "pg-2", recovery_min_apply_delay="3600000")
    waits = {"apply_delay_s": 3600.0, "startup_wait": "Timeout/RecoveryApplyDelay"}
    run(world, 10, replayed=world.lsn, positions=waits)
    assert first(world).code == "apply_delay_configured"
    assert "was changed from 0 to 3600000" in first(world).summary


def test_a_slow_network() -> None:
    """The waiting WAL has not been sent, the sender waits for room, and replies arrive."""
    world = pair()
    arrived = world.lsn
    for _ in range(20):
        arrived += 10_000
        run(world, 1, received=arrived, row={"wait": "Client/WalSenderWriteData", "reply_age_s": 0.1})
    assert first(world).code == "network_slow"
    assert first(world).confidence == 0.87


def test_a_slow_disk() -> None:
    """The waiting WAL is written and not flushed."""
    world = pair()
    world.rate = 400_000
    flushed = world.lsn
    for _ in range(20):
        flushed += 10_000
        place = f"{flushed >> 32:X}/{flushed & 0xFFFFFFFF:X}"
        run(world, 1, replayed=flushed, received=flushed)
        world.servers["pg-1"].fields.clear()
        world.stream(world.servers["pg-1"], world.servers["pg-2"], replayed=flushed)
        run(world, 1, replayed=flushed, row={"flush_lsn": place, "replay_lsn": place})
    assert "standby_disk_slow" in codes(world)


def test_a_burst_on_the_primary() -> None:
    """The primary writes many times its usual amount of WAL, and whose transaction it may be."""
    world = pair()
    run(world, 10)
    world.rate = 20_000_000
    replayed = world.lsn
    for _ in range(15):
        replayed += 5_000_000
        run(world, 1, replayed=replayed, up={"activity": session(query="COPY big FROM STDIN")})
    burst = next(cause for cause in causes(world) if cause.code == "wal_burst")
    assert "pg-1 writes 20.0 MB of WAL a second instead of" in burst.summary
    assert "pid 4711" in burst.summary


@pytest.mark.slow
def test_a_burst_over_a_thin_line() -> None:
    """A line that carries more than it ever had to is not slow, while the burst lasts and after it."""
    world = pair()
    run(world, 30)
    usual, world.rate = world.rate, 20_000_000
    arrived = world.lsn
    for seconds in (120, 30):
        for _ in range(seconds):
            arrived += 5_000_000
            run(world, 1, received=arrived, replayed=arrived, row={"wait": "Client/WalSenderWriteData"})
        slow = next(cause for cause in causes(world) if cause.code == "network_slow")
        assert (first(world).code, slow.confidence) == ("wal_burst", 0.6)
        assert [fact.note for fact in slow.evidence_against] == ["more than was usually written"]
        world.rate = usual


def test_a_burst_that_began_before_looking() -> None:
    """Whether the line became slow or the primary writes more than usual was not seen: both are stated."""
    world = World(**RULES_SOON)
    world.pair()
    world.rate = 20_000_000
    arrived = world.lsn
    for _ in range(15):
        arrived += 5_000_000
        run(world, 1, received=arrived, replayed=arrived, row={"wait": "Client/WalSenderWriteData"})
    assert [(cause.code, cause.confidence) for cause in causes(world)] == [("network_slow", 0.8), ("wal_burst", 0.45)]
    for cause in causes(world):
        assert [fact.name for fact in cause.not_seen] == ["usual_wal_bytes_per_s"]
    assert "whether that is more than usual was not seen" in causes(world)[1].summary
    assert {step.risk for step in causes(world)[1].steps} == {"look"}


def test_replay_that_hangs() -> None:
    """The startup process shows as idle beside received WAL that does not get less."""
    world = pair()
    stuck = world.lsn
    run(world, 15, replayed=stuck, positions={"startup_wait": "Activity/RecoveryWalStream"})
    assert first(world).code == "standby_hung"
    assert world.incidents[-1].title == "orders: replay on pg-2 hangs"


def test_replay_that_shows_one_read_all_the_time() -> None:
    """It was stopped in the midst of it, or its disk does not answer: a guess, which only looks."""
    world = pair()
    stuck = world.lsn
    run(world, 15, replayed=stuck, positions={"startup_wait": "IO/WalRead"})
    cause = first(world)
    assert (cause.code, cause.confidence) == ("standby_hung", 0.45)
    assert {step.risk for step in cause.steps} == {"look"}


def test_commits_that_wait_for_replay() -> None:
    """Under remote_apply commits wait for what holds up replay, and that is the root."""
    world = pair()
    change(world, "pg-1", synchronous_commit="remote_apply", synchronous_standby_names="pg-2")
    run(
        world,
        15,
        replayed=world.lsn,
        positions={"replay_paused": True},
        row={"sync_state": "sync"},
        up={"activity": Activity(sync_waiters=3, sync_wait_s=7.0)},
    )
    assert first(world).code == "replay_paused_by_operator"
    slow = next(cause for cause in causes(world) if cause.code == "sync_remote_apply_slow")
    assert "commits on pg-1 wait until pg-2 has replayed them: 3 now, the oldest for 7 s" in slow.summary

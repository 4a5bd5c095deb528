"""``replication_stalled``."""

import pytest
from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def test_replay_that_waits_for_a_query() -> None:
    """Received, not replayed: the evidence has what the startup process waits for."""
    world = World(replication_stalled=QUICK)
    world.pair()
    play.stream(world, 10)

    def block(_: Server, down: Server) -> None:
        down.set(positions=replace(down.fields["positions"], startup_wait="IPC/RecoveryConflictSnapshot"))

    play.stream(world, 15, block, replayed=world.lsn)
    fired = play.last(world, "replication_stalled")
    assert (fired.to, fired.verdict) == ("firing", "replay_stalled")
    assert play.facts(fired)["startup_wait"] == "IPC/RecoveryConflictSnapshot"
    play.stream(world, 15)
    assert play.last(world, "replication_stalled").to == "resolved"


def test_a_wait_within_max_standby_streaming_delay_is_no_stall() -> None:
    """By default a query may hold up replay for 30 s."""
    world = World()
    world.pair()
    play.stream(world, 10)
    play.stream(world, 32, replayed=world.lsn)
    play.stream(world, 10)
    assert "replication_stalled" not in world.fired()


def test_a_longer_delay_that_the_standby_allows_is_no_stall() -> None:
    """Its setting says for how long a query may hold up replay; other stalls are judged as always."""
    world = World(replication_stalled=QUICK)
    _, down = world.pair()
    down.settings["max_standby_streaming_delay"] = "90000"
    play.stream(world, 10)
    world.send_settings()

    def block(_: Server, down: Server) -> None:
        down.set(positions=replace(down.fields["positions"], startup_wait="IPC/RecoveryConflictSnapshot"))

    play.stream(world, 60, block, replayed=world.lsn)
    assert "replication_stalled" not in world.fired()
    play.stream(world, 60, block, replayed=world.lsn - 60 * world.rate)
    assert "replication_stalled" in world.fired()


@pytest.mark.slow
def test_a_long_stall_is_critical() -> None:
    """Five minutes without progress are no longer somebody's query."""
    world = World()
    world.pair()
    play.stream(world, 10)
    play.stream(world, 320, replayed=world.lsn)
    assert play.last(world, "replication_stalled").severity == "critical"


def test_an_apply_worker_that_waits_for_a_lock() -> None:
    """Reported within seconds, though a subscriber confirms an idle stream only every ten; the holder is named."""
    world = World(replication_stalled=QUICK)
    play.subscribe(world, 15)

    def block(up: Server, down: Server) -> None:
        at, (subscription,) = world.time - blocked, down.fields["subscriptions"]
        waiting = replace(subscription, wait="Lock/transactionid", transaction_s=at, blocked_by=(4711,))
        down.set(subscriptions=(replace(waiting, latest_end_lsn=stuck, received_lsn=stuck),))
        up.set(slots=tuple(replace(slot, confirmed_lsn=stuck) for slot in up.fields["slots"]))

    stuck, blocked = world.servers["pg-1"].fields["slots"][0].confirmed_lsn, world.time
    play.subscribe(world, 12, block)
    fired = play.last(world, "replication_stalled")
    assert fired.to == "firing"
    assert play.facts(fired)["blocked_by"] == "pid 4711"


def test_a_leader_that_waits_for_its_parallel_worker_works() -> None:
    """A large transaction is applied beside it."""
    world = World(replication_stalled=QUICK)
    play.subscribe(world, 15)
    play.subscribe(world, 30, wait="Lock/applytransaction", transaction_s=30.0)
    assert world.fired() == set()

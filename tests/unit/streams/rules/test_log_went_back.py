"""``log_went_back``."""

import pytest
from msgspec.structs import replace

from leadline.model.host import Cost
from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.rules import play
from tests.unit.streams.world import Server, World, at

QUICK = {"for_s": 3.0, "keep_s": 2.0}


def pair(**node: object) -> World:
    world = World(log_went_back=QUICK)
    for name, role in (("pg-1", "primary"), ("pg-2", "standby")):
        world.add(name, role, timeline=1, **node)
    return world


def test_a_primary_whose_position_goes_back() -> None:
    """Both positions are named, and who holds the rest; a standby that is rebuilt ends it."""
    world = pair()
    play.stream(world, 20)
    had = world.lsn
    world.lsn, world.rate = had - 700_000, 0
    play.stream(world, 10, replayed=had)
    fired = play.last(world, "log_went_back")
    assert (fired.to, fired.severity) == ("firing", "critical")
    assert "went back from 0/" in fired.summary
    assert "pg-2 holds 700.0 kB that pg-1 lost" in fired.summary
    assert world.first_cause() == "primary_restored_older"
    play.stream(world, 10)
    assert play.life(world, "log_went_back")[-1] == "resolved"


@pytest.mark.parametrize(
    ("started_s", "replays", "ends"),
    [(25.0, True, True), (25.0, False, False), (-1000.0, True, False)],
    ids=["rebuilt", "restarted only", "not started again"],
)
def test_a_standby_that_was_rebuilt_and_has_more_when_it_is_seen_again(
    started_s: float, replays: bool, ends: bool
) -> None:
    """It was away while its primary got beyond what it held; it goes on from there only if it was rebuilt."""
    world = pair()
    standby = world.servers["pg-2"]
    standby.node = replace(standby.node, started_at=at(-1000.0))
    play.stream(world, 20)
    had = world.lsn
    world.lsn, world.rate = had - 700_000, 0
    play.stream(world, 4, replayed=had)
    standby.set(up=False, error="connection refused")
    world.rate = 100_000
    play.stream(world, 20, lambda up, _: up.set(downstreams=()), replayed=had)
    assert play.life(world, "log_went_back")[-1] == "firing"
    standby.set(up=True, error=None)
    standby.node = replace(standby.node, started_at=at(started_s))
    play.stream(world, 10, **({} if replays else {"replayed": had}))
    assert (play.life(world, "log_went_back")[-1] == "resolved") == ends


def test_looking_begins_after_it() -> None:
    """One position above the other is enough, where the upstream was looked at later and writes nothing."""
    world = pair()
    world.rate = 0
    play.stream(world, 10, replayed=world.lsn + 50_000)
    assert "ends at 0/1000000, before" in play.last(world, "log_went_back").summary
    assert play.last(world, "log_went_back").to == "firing"


def test_a_standby_that_is_looked_at_after_its_primary_shows_more() -> None:
    """A busy primary has written meanwhile; an idle one that begins to write is looked at again a second later."""
    world = pair()
    for _ in range(5):
        play.stream(world, 10, replayed=world.lsn + 2 * world.rate)
        world.rate = 0
        play.stream(world, 3)
        up, down = world.servers["pg-1"], world.servers["pg-2"]
        world.stream(up, down, replayed=world.lsn + 300_000)
        world.step()
        world.lsn += 300_000
        world.rate = 100_000
    assert play.life(world, "log_went_back") == []


def test_another_timeline_or_system_is_no_loss() -> None:
    """Positions count in one history only."""
    world = World(log_went_back=QUICK)
    world.add("pg-1", "primary", timeline=2)
    world.add("pg-2", "standby", timeline=1)
    world.rate = 0
    play.stream(world, 10, replayed=world.lsn + 50_000)
    assert play.life(world, "log_went_back") == []


def test_it_lasts_over_a_restart_of_the_judgement() -> None:
    """The state is saved; a look that began before the standby's answer is no later look."""
    world = pair()
    world.rate = 0

    def slow(up: Server, _: Server) -> None:
        up.set(cost=Cost(statement_ms=5000.0))

    play.stream(world, 4, slow, replayed=world.lsn + 50_000)
    assert play.life(world, "log_went_back") == []
    world.state = ClusterState.load(world.state.dump(), world.judgement)
    play.stream(world, 10, slow, replayed=world.lsn + 50_000)
    assert play.life(world, "log_went_back")[-1] == "firing"

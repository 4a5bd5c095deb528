"""``sync_commit_blocked``."""

from leadline.model.activity import Activity
from tests.unit.streams.rules import play
from tests.unit.streams.world import World


def test_commits_that_wait_fire_and_escalate() -> None:
    """A warning after a few seconds, critical after ten, over when they are let go."""
    world = World()
    up, _ = world.pair()
    up.settings = {"synchronous_standby_names": "nobody"}
    world.send_settings()
    play.stream(world, 5)
    world.send_settings()
    for second in range(20):
        play.stream(world, 1, lambda up, _, s=second: up.set(activity=Activity(sync_waiters=3, sync_wait_s=float(s))))
    steps = [(t.to, t.severity) for t in play.of(world, "sync_commit_blocked")]
    assert steps == [("pending", "warning"), ("firing", "warning"), ("firing", "critical")]
    assert play.facts(play.last(world, "sync_commit_blocked"))["synchronous_standby_names"] == "nobody"
    play.stream(world, 15, lambda up, _: up.set(activity=Activity()))
    assert play.last(world, "sync_commit_blocked").to == "resolved"


def test_commits_that_wait_a_moment_are_replication() -> None:
    """Each sample finds one, none of them old."""
    world = World()
    world.pair()
    play.stream(world, 60, lambda up, _: up.set(activity=Activity(sync_waiters=8, sync_wait_s=0.2)))
    assert world.transitions == []


def test_what_may_not_be_seen_is_not_healthy() -> None:
    """An agent that lost its right to see sessions does not clear the alert."""
    world = World()
    world.pair()
    play.stream(world, 20, lambda up, _: up.set(activity=Activity(sync_waiters=1, sync_wait_s=60.0)))
    play.stream(world, 20, lambda up, _: up.set(activity=None, not_permitted=("activity",)))
    assert play.life(world, "sync_commit_blocked") == ["pending", "firing", "unknown"]

"""The fold, end to end, over made-up clusters."""

import pytest
from msgspec.structs import replace

from leadline_streams.judge.cluster import ClusterState
from tests.unit.streams.world import QUICK, World, at


def healthy(world: World, seconds: int) -> None:
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(seconds):
        world.stream(up, down)
        world.step()


def test_a_healthy_pair_raises_nothing() -> None:
    """Writes that arrive at once raise nothing."""
    world = World()
    world.pair()
    healthy(world, 120)
    assert world.transitions == []
    (link,) = world.state.memory.links.values()
    assert (link.id, link.verdict) == ("orders/pg-1->pg-2", "healthy")


def test_an_idle_pair_is_idle() -> None:
    """A primary that writes nothing has no lag to show, whatever the clock says."""
    world = World()
    world.pair()
    world.rate = 0
    healthy(world, 120)
    (link,) = world.state.memory.links.values()
    assert (link.verdict, link.lag_s) == ("idle", 0.0)
    assert world.transitions == []


def test_a_link_is_judged_as_soon_as_both_ends_were_seen() -> None:
    """Whichever comes first: a standby that reported before its primary does not wait for its own next sample."""
    for first, second in (("pg-1", "pg-2"), ("pg-2", "pg-1")):
        world = World()
        world.stream(*world.pair())
        for name, seconds in ((first, 0.1), (second, 0.2), (first, 4.1), (second, 4.2)):  # what comes first only admits
            world.state.observe(world.servers[name].sample(seconds))
        world.state.tick(at(4.3 + world.judgement.policy.lateness_s))
        (link,) = world.state.memory.links.values()
        assert (link.id, link.verdict) == ("orders/pg-1->pg-2", "idle"), first


def test_a_paused_replay_fires_once_and_resolves() -> None:
    """One alert, one incident, the cause named when it opens, all of it closed when replay goes on."""
    world = World(replay_paused=QUICK)
    up, down = world.pair()
    healthy(world, 10)
    stuck = world.lsn
    for _ in range(20):
        world.stream(up, down, replayed=stuck)
        down.set(positions=replace(down.fields["positions"], replay_paused=True))
        world.step()
    assert world.fired() == {"replay_paused"}
    assert world.first_cause() == "replay_paused_by_operator"
    assert world.incidents[-1].cause_at == world.incidents[-1].detected_at
    down.fields.pop("positions")
    healthy(world, 20)
    assert [(t.from_, t.to) for t in world.transitions if t.rule == "replay_paused"] == [
        ("ok", "pending"),
        ("pending", "firing"),
        ("firing", "resolved"),
    ]
    assert world.incidents[-1].state == "resolved"


def test_a_silent_agent_leaves_the_alert_unknown() -> None:
    """Missing data never clears."""
    world = World(replay_paused=QUICK)
    up, down = world.pair()
    healthy(world, 10)
    stuck = world.lsn
    for _ in range(10):
        world.stream(up, down, replayed=stuck)
        down.set(positions=replace(down.fields["positions"], replay_paused=True))
        world.step()
    down.silent = True
    for _ in range(30):
        world.step()
    states = [t.to for t in world.transitions if t.rule == "replay_paused"]
    assert states == ["pending", "firing", "unknown"]


def test_the_state_survives_its_bytes() -> None:
    """A state that was written and read back is equal."""
    world = World()
    world.pair()
    healthy(world, 30)
    again = ClusterState.load(world.state.dump(), world.judgement)
    assert again.memory == world.state.memory


def test_an_incident_does_not_end_while_an_alert_is_pending() -> None:
    """A second breach within the quiet time belongs to the same incident, however soon before its end it begins."""
    world = World(replay_paused=QUICK)
    up, down = world.pair()
    healthy(world, 10)

    def paused(seconds: int) -> None:
        stuck = world.lsn
        for _ in range(seconds):
            world.stream(up, down, replayed=stuck)
            down.set(positions=replace(down.fields["positions"], replay_paused=True))
            world.step()
        down.fields.pop("positions")

    paused(12)
    while world.transitions[-1].to != "resolved":
        healthy(world, 1)
    healthy(world, 1)
    assert world.incidents[-1].state == "open"
    paused(12)
    assert world.fired() == {"replay_paused"}
    assert {incident.incident_id for incident in world.incidents} == {world.incidents[0].incident_id}
    assert world.incidents[-1].state == "open"


@pytest.mark.slow
def test_a_long_timeline_keeps_its_beginning_and_its_end() -> None:
    """An incident record stays small however often something changes."""
    world = World(replay_paused=QUICK)
    up, down = world.pair()
    healthy(world, 5)
    stuck = world.lsn
    for second in range(400):
        world.stream(up, down, replayed=stuck)
        down.set(positions=replace(down.fields["positions"], replay_paused=True))
        down.settings["work_mem"] = f"{second}kB"
        world.step()
        world.send_settings()
    healthy(world, 3)
    last = world.incidents[-1]
    assert len(last.timeline) <= 200
    assert len(last.changes) <= 100
    assert last.timeline[0].at <= last.detected_at
    assert last.changes[-1].to == "399kB"
    assert any("399kB" in entry.what for entry in last.timeline[-3:])

"""The status of links and nodes is published when it changes and at a slow beat, and forgotten with a link."""

from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.status import Forgotten, link_is_due, link_is_due_with_rollup, publish_link
from tests.unit.streams.world import Server, World

EVERY_S = Policy().status_every_s
NOW = 1000.0


def pair() -> tuple[World, Server, Server]:
    """A healthy pair whose status has been published."""
    world = World()
    up, down = world.pair()
    live(world, 5)
    return world, up, down


def live(world: World, seconds: int, **positions: int) -> None:
    """The pair streams."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(seconds):
        world.stream(up, down, **positions)
        world.step()


def links(world: World) -> list[LinkStatus]:
    """Records of links so far."""
    return [output for output in world.outputs if isinstance(output, LinkStatus)]


def nodes(world: World, name: str) -> list[NodeStatus]:
    """Records of one node so far."""
    return [output for output in world.outputs if isinstance(output, NodeStatus) and output.node == name]


def test_the_state_is_published_at_once() -> None:
    """Both nodes and the link, with what a view shows of them."""
    world, _, _ = pair()
    assert [(each.role, each.health) for each in nodes(world, "pg-1") + nodes(world, "pg-2")] == [
        ("primary", "up"),
        ("standby", "up"),
    ]
    assert nodes(world, "pg-1")[0].position is not None
    last = links(world)[-1]
    assert last.verdict in ("idle", "healthy")
    assert (last.connected, last.lag_s, last.behind) == (True, 0.0, 0)
    assert last.observers == ["pg-1", "pg-2"]
    assert {each.verdict for each in links(world)} <= {"idle", "healthy"}


def test_a_healthy_fleet_is_published_at_the_beat_alone() -> None:
    """Minutes of health cost one record a minute for each node and link."""
    world, _, _ = pair()
    world.outputs.clear()
    live(world, int(5 * EVERY_S))
    counts = Counter(each.node for each in world.outputs if isinstance(each, NodeStatus))
    assert all(4 <= count <= 6 for count in counts.values())
    assert len(counts) == 2
    assert 4 <= len(links(world)) <= 6


@pytest.mark.slow
def test_a_lag_is_published_as_it_moves() -> None:
    """Each second at first, then by steps of its size: an hour of lag does not cost 3600 records."""
    world, _, _ = pair()
    stuck = world.lsn
    world.outputs.clear()
    live(world, 20, replayed=stuck)
    assert len(links(world)) >= 15
    live(world, 600, replayed=stuck)
    world.outputs.clear()
    live(world, 100, replayed=stuck)
    assert 8 <= len(links(world)) <= 12
    assert links(world)[-1].lag_s > 600


@pytest.mark.slow
def test_where_people_look_a_long_lag_moves_too() -> None:
    """With a status each second, the lag of a link that is not healthy is published each second, however long."""
    world = World(policy=Policy(status_every_s=1.0))
    world.pair()
    live(world, 5)
    stuck = world.lsn
    live(world, 600, replayed=stuck)
    world.outputs.clear()
    live(world, 20, replayed=stuck)
    assert len(links(world)) == 20


def test_a_verdict_is_published_when_it_changes() -> None:
    """A cut link is published in the second it is judged so, with the time since when."""
    world, up, down = pair()
    world.outputs.clear()
    down.set(upstream=replace(down.fields["upstream"], status=None))
    up.set(downstreams=())
    for _ in range(3):
        world.step()
    cut = links(world)[0]
    assert (cut.verdict, cut.connected) == ("cut_off", False)
    assert cut.since <= cut.at


def test_a_node_that_falls_silent_or_goes_down() -> None:
    """Both are health, with the reason."""
    world, up, down = pair()
    up.set(up=False, error="refused: is the server running there?")
    down.silent = True
    for _ in range(10):
        world.step()
    assert (nodes(world, "pg-1")[-1].health, nodes(world, "pg-1")[-1].note) == (
        "down",
        "refused: is the server running there?",
    )
    assert nodes(world, "pg-2")[-1].health == "silent"
    assert links(world)[-1].observers == ["pg-1"]
    assert nodes(world, "pg-1")[-1].since > nodes(world, "pg-1")[0].since


def test_a_link_that_is_gone_is_forgotten() -> None:
    """The standby follows another server: one status ends with a tombstone, another begins."""
    world, _, down = pair()
    other = world.add("pg-9", "primary")
    for _ in range(10):
        world.stream(other, down)
        world.step()
    assert [each.ident for each in world.outputs if isinstance(each, Forgotten)] == ["orders/pg-1->pg-2"]
    assert links(world)[-1].link == "orders/pg-9->pg-2"


def test_a_provisional_link_is_not_published() -> None:
    """A standby that its primary names otherwise is one link as soon as its own agent reports: nothing is to forget."""
    world = World()
    up, down = world.pair()
    down.silent = True
    world.stream(up, down)
    up.set(downstreams=tuple(replace(row, name="replica-b") for row in up.fields["downstreams"]))
    for _ in range(4):
        world.step()
    assert list(world.state.memory.links) == ["orders/pg-1->replica-b"]
    down.silent = False
    live(world, 10)
    assert {each.link for each in links(world)} == {"orders/pg-1->pg-2"}
    assert not [each for each in world.outputs if isinstance(each, Forgotten)]


def state(**fields: Any) -> LinkState:
    """A link that was published a second ago as healthy, but for the fields given."""
    given: dict[str, Any] = {"verdict": "healthy", "connected": True, "lag_s": 0.0}
    last = {"status_verdict": "healthy", "status_connected": True, "status_lag_s": 0.0, "status_at": NOW - 1.0}
    return LinkState("orders/pg-1->pg-2", "pg-1", "pg-2", "physical", **(given | last | fields))


@pytest.mark.parametrize(
    ("fields", "at_once", "with_rollup"),
    [
        ({}, False, False),
        ({"verdict": "idle"}, False, True),
        ({"verdict": "cut_off"}, True, True),
        ({"status_verdict": "cut_off"}, True, True),
        ({"lag_s": 0.9}, False, False),
        ({"lag_s": 1.0}, True, False),
        ({"status_at": NOW - EVERY_S}, False, True),
        ({"verdict": "broken", "status_verdict": "broken"}, False, False),
        ({"verdict": "broken", "status_verdict": "broken", "connected": False}, True, False),
        ({"verdict": "broken", "status_verdict": "broken", "lag_s": 0.1}, True, False),
        ({"verdict": "broken", "status_verdict": "broken", "lag_s": 0.1, "status_at": NOW - 0.5}, False, False),
        ({"verdict": "broken", "status_verdict": "broken", "lag_s": 200.0, "status_at": NOW - 3.0}, False, False),
        ({"verdict": "broken", "status_verdict": "broken", "lag_s": 200.0, "status_at": NOW - 4.0}, True, False),
        ({"status_verdict": "", "status_at": 0.0}, True, False),
        ({"status_verdict": "", "status_at": 0.0, "agentless": True, "created_at": NOW - 4.0}, False, False),
    ],
)
def test_when_a_record_of_a_link_is_due(fields: dict[str, Any], at_once: bool, with_rollup: bool) -> None:
    """At its next judgement, or when a window of its roll-up ends."""
    link = state(**fields)
    assert link_is_due(link, NOW, EVERY_S) == at_once
    assert link_is_due_with_rollup(link, NOW, EVERY_S) == with_rollup


def test_the_records_of_a_fleet_are_spread() -> None:
    """Links that were found at the same time are not published at the same time for ever."""
    found = [state(status_at=0.0) for _ in range(50)]
    for number, link in enumerate(found):
        link.id = f"orders/pg-1->pg-{number}"
        publish_link(link, None, None, "orders", NOW, EVERY_S)
    due = [
        sum(link_is_due_with_rollup(link, NOW + after, EVERY_S) for link in found)
        for after in (EVERY_S / 60, EVERY_S / 2, EVERY_S + 1)
    ]
    assert due[0] < 5
    assert 15 < due[1] < 35
    assert due[2] == 50


def test_a_lag_from_before_the_first_sample_is_a_bound() -> None:
    """The primary's clock does not reach back to the position: the number is marked."""
    world = World()
    world.pair()
    live(world, 5, replayed=world.lsn // 2)
    assert links(world)[-1].lag_is_bound
    live(world, 10)
    assert not links(world)[-1].lag_is_bound


def test_another_error_does_not_begin_a_new_time() -> None:
    """``since`` is when the node went down; the reason is published as it changes."""
    world, up, _ = pair()
    up.set(up=False, error="refused: is the server running there?")
    world.step()
    world.step()
    up.set(error="timeout: no answer within 5 s")
    for _ in range(3):
        world.step()
    first, last = (each for each in nodes(world, "pg-1") if each.health == "down")
    assert (first.note, last.note) == ("refused: is the server running there?", "timeout: no answer within 5 s")
    assert last.since == first.since < last.at


def test_positions_and_rates_are_as_recent_as_the_setting_says() -> None:
    """With a view open, that is a second; the fast path obeys it too."""
    world = World(policy=Policy(status_every_s=1.0))
    world.pair()
    live(world, 20)
    world.outputs.clear()
    live(world, 30)
    assert [len(nodes(world, name)) for name in world.servers] == [30, 30]
    assert nodes(world, "pg-1")[-1].write_rate == 100_000
    assert nodes(world, "pg-2")[-1].write_rate is None
    assert 3 <= len(links(world)) <= 4


def test_a_node_is_not_published_before_its_server_is_seen() -> None:
    """Settings alone show neither its position nor that it is up."""
    world = World()
    up, _ = world.pair()
    up.settings["max_wal_senders"] = "10"
    world.send_settings()
    assert not nodes(world, "pg-1")
    live(world, 3)
    assert nodes(world, "pg-1")[0].position is not None


def test_the_lag_of_a_healthy_link_is_published_when_it_moved_far() -> None:
    """A link that fell behind by some seconds within its limit does not keep that number until the beat."""
    world, _, _ = pair()
    live(world, 20)
    stuck = world.lsn
    world.outputs.clear()
    live(world, 3, replayed=stuck)
    live(world, 11)
    shown = [each.lag_s for each in links(world) if each.verdict == "healthy"]
    assert max(shown) >= 1.0
    assert shown[-1] == 0.0
    assert len(shown) <= 6

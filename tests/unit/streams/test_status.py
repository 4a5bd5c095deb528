"""The status of links and nodes is published when it changes and at a slow beat, and forgotten with a link."""

from collections import Counter

from msgspec.structs import replace

from leadline.model.status import LinkStatus, NodeStatus
from leadline_streams.judge.policy import Policy
from leadline_streams.judge.status import Forgotten
from tests.unit.streams.world import Server, World

EVERY_S = Policy().status_every_s


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


def test_a_healthy_fleet_is_published_at_the_beat_alone() -> None:
    """Minutes of health cost one record a minute for each node and link."""
    world, _, _ = pair()
    world.outputs.clear()
    live(world, int(5 * EVERY_S))
    counts = Counter(each.node for each in world.outputs if isinstance(each, NodeStatus))
    assert all(4 <= count <= 6 for count in counts.values())
    assert len(counts) == 2
    assert 4 <= len(links(world)) <= 6


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
    assert nodes(world, "pg-1")[-1].since > nodes(world, "pg-1")[0].since


def test_a_link_that_is_gone_is_forgotten() -> None:
    """The standby follows another server: one status ends with a tombstone, another begins."""
    world, _, down = pair()
    other = world.add("pg-9", "primary")
    for _ in range(10):
        world.stream(other, down)
        world.step()
    assert [each.link for each in world.outputs if isinstance(each, Forgotten)] == ["orders/pg-1->pg-2"]
    assert links(world)[-1].link == "orders/pg-9->pg-2"


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

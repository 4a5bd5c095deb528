"""``node_name_shared``."""

from msgspec.structs import replace

from leadline_streams.judge.shared_names import SHOWN_S
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World, at


def alternate(world: World, server: Server, other: dict[str, object], seconds: int) -> None:
    """Two agents send as one server, each at every second look."""
    first, second = server.node, replace(server.node, boot="second", **other)
    for turn in range(seconds):
        server.node = second if turn % 2 else first
        play.look(world, 1)
    server.node = first


def test_one_server_that_two_agents_read() -> None:
    """It is no harm to the data, and no cause of anything else."""
    world = World(node_name_shared=QUICK)
    server = world.add("pg-1", "primary", started_at=at(-9000))
    play.look(world, 5)
    alternate(world, server, {}, 20)
    fired = play.last(world, "node_name_shared")
    assert fired.to == "firing"
    assert "one server twice" in fired.summary
    assert world.first_cause() == "agent_started_twice"
    play.look(world, int(SHOWN_S) + 20)
    assert play.last(world, "node_name_shared").to == "resolved"


def test_two_servers_under_one_name() -> None:
    """Both are named, and everything else about the node is explained by it."""
    world = World(node_name_shared=QUICK)
    server = world.add("pg-1", "primary", started_at=at(-9000))
    play.look(world, 5)
    alternate(world, server, {"system_id": "7009", "host": "10.9.9.9", "started_at": at(-500)}, 20)
    assert "two servers as if they were one" in play.last(world, "node_name_shared").summary
    assert world.first_cause() == "node_name_shared"
    assert "10.9.9.9" in world.causes[0].summary


def test_an_agent_that_is_restarted_again_and_again() -> None:
    """Each run has a new identity, and none returns; the spool of an earlier one is sent before."""
    world = World(node_name_shared=QUICK)
    server = world.add("pg-1", "primary", started_at=at(-9000))
    for turn in range(10):
        server.node = replace(server.node, boot=f"run-{turn}")
        play.look(world, 4)
    assert not play.of(world, "node_name_shared")

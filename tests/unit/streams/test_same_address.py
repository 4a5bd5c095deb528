"""A node whose address leads to another server from some moment on, as a virtual IP address does that moves."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.replication import Positions
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.state import load
from tests.unit.streams.causes.physical import change, codes, pair, run
from tests.unit.streams.world import World, at

LOST = 500_000
"""Bytes of WAL that the old primary had and the new one does not."""


def moved(started_s: float, **node: Any) -> World:
    """The primary's address leads to a server that began at this time and has less; ``node``: what it is otherwise."""
    world = pair()
    primary = world.servers["pg-1"]
    primary.node = replace(primary.node, started_at=at(-1000.0))
    change(world, "pg-1", port="5432", max_connections="100")
    run(world, 10)
    primary.node = replace(primary.node, **{"started_at": at(started_s), "timeline": 2, **node})
    world.lsn -= LOST
    primary.set(positions=Positions(current_lsn=format_lsn(world.lsn)))
    run(world, 1, cut=True)
    change(world, "pg-1", port="5433", max_connections="200")
    run(world, 10, cut=True)
    return world


def test_another_server_is_no_restored_one() -> None:
    """It ran while the old one answered: what it does not have was lost by nobody, and none of its settings changed."""
    world = moved(-500.0)
    assert "log_went_back" not in world.fired()
    assert not {"config_changed", "primary_restored_older"} & set(codes(world))
    assert [one.setting for one in world.state.memory.changes] == ["server"]
    assert world.state.memory.nodes["pg-1"].settings["port"].value == "5433"
    assert load(world.state.memory.dump()).nodes["pg-1"].moved_at > 0


def test_a_server_that_was_restarted_is_the_same() -> None:
    """It began after it had answered last: it lost what it does not have, and its settings were changed."""
    world = moved(21.0)
    assert "log_went_back" in world.fired()
    assert {"port", "max_connections"} <= {one.setting for one in world.state.memory.changes}
    assert world.state.memory.nodes["pg-1"].moved_at == 0


def test_a_clock_that_was_set_back_a_little_moves_nobody() -> None:
    assert moved(18.5).state.memory.nodes["pg-1"].moved_at == 0


@pytest.mark.parametrize("first", ["vip", "pg-3"])
def test_a_server_keeps_the_name_that_never_led_to_another(first: str) -> None:
    """The order in which the names were first read decides nothing."""
    world = World()
    one = world.add("vip", "primary", started_at=at(-1000.0)) if first == "vip" else None
    three = world.add("pg-3", "primary", started_at=at(-500.0), system_id="7001")
    vip = one or world.add("vip", "primary", started_at=at(-1000.0))
    for server in (three, vip):
        server.set(positions=Positions(current_lsn="0/1"))
    for _ in range(10):
        world.step()
    vip.node = replace(vip.node, started_at=three.node.started_at)
    for _ in range(5):
        world.step()
    nodes = world.state.memory.nodes
    assert (nodes["vip"].same_as, nodes["pg-3"].same_as) == ("pg-3", None)


@pytest.mark.parametrize(("host", "expected"), [("vip.db", None), ("pg-1.db", "pg-1")])
def test_a_receiver_of_another_server_has_no_link_to_a_dead_one(host: str, expected: str | None) -> None:
    """It connected to an address of nobody after its upstream had answered last; at its own, that may be back."""
    world = pair()
    standby, primary = world.servers["pg-2"], world.servers["pg-1"]
    primary.set(up=False, error="connection refused")
    began = at(world.time + 2.0)
    receiver = replace(standby.fields["upstream"], host=host, pid=9, began_at=began)
    for _ in range(10):
        standby.set(upstream=receiver)
        world.step()
    assert world.state.memory.nodes["pg-2"].upstream == expected

"""The evidence by which a sender and a receiver are matched, or not."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.replication import Downstream, Positions, Slot, Subscription, Upstream
from leadline_streams.engines.postgresql.matching import assign
from tests.unit.streams.world import World, at

UNNAMED = {"application_name": "walreceiver", "status": "streaming", "host": "vip", "port": 5432}


def test_the_best_pair_is_certain_only_with_a_lead() -> None:
    """Two that fit equally well are candidates, and neither is chosen."""
    clear = assign({("a", 1): 5, ("a", 2): 2, ("b", 1): 2, ("b", 2): 5})
    assert clear == ({"a": 1, "b": 2}, {})
    unclear = assign({("a", 1): 5, ("a", 2): 4, ("b", 1): 5, ("b", 2): 5})
    assert unclear == ({}, {"a": [1, 2], "b": [1, 2]})


def test_what_is_left_over_belongs_together_unless_something_contradicts_it() -> None:
    """The third of three, without any points of its own."""
    assert assign({("a", 1): 6, ("a", 2): 0, ("b", 2): 0})[0] == {"a": 1, "b": 2}
    assert assign({("a", 1): -2})[0] == {}


def unnamed(world: World, starts: dict[str, float], rows: dict[int, float], **more: Any) -> dict[str, Any]:
    """Standbys whose receivers began at ``starts``, and senders of pg-1 that began at ``rows``; the senders found."""
    primary = world.add("pg-1", "primary")
    for name in starts:
        world.add(name, "standby")
    for _ in range(8):
        now = world.time + 1.0
        primary.set(
            positions=Positions(current_lsn="0/3000000"),
            downstreams=tuple(
                Downstream(name="", pid=pid, state="streaming", replay_lsn="0/3000000", connected_s=now - began)
                for pid, began in rows.items()
            ),
        )
        for index, (name, began) in enumerate(starts.items(), 1):
            receiver = Upstream(**UNNAMED, pid=index, began_at=at(began), message_age_s=1.0, **more)
            place = Positions(received_lsn="0/3000000", replayed_lsn="0/3000000")
            world.servers[name].set(upstream=receiver, positions=place)
        world.step()
    links = world.state.memory.links.values()
    return {link.downstream: link.sender[0] if link.sender else None for link in links if link.upstream == "pg-1"}


def test_processes_that_began_together_are_the_ends_of_one_connection() -> None:
    """No name, no slot, and an address that nobody has."""
    found = unnamed(World(), {"pg-2": -100.0, "pg-3": -50.0}, {71: -49.99, 72: -99.99})
    assert found == {"pg-2": 72, "pg-3": 71}


def test_the_clock_of_the_standby_is_corrected() -> None:
    """It is two hours ahead of its sender's, as its last message shows."""
    found = unnamed(World(), {"pg-2": 7100.0, "pg-3": 7150.0}, {71: -49.99, 72: -99.99}, clock_ahead_s=7200.0)
    assert found == {"pg-2": 72, "pg-3": 71}


def test_two_that_began_at_once_stay_unclear() -> None:
    """Both follow pg-1; which sender serves which is not seen, so neither is cut off."""
    world = World()
    assert unnamed(world, {"pg-2": -50.0, "pg-3": -50.01}, {71: -49.99, 72: -50.0}) == {"pg-2": None, "pg-3": None}
    links = list(world.state.memory.links.values())
    assert all(link.sender_is_unclear and link.connected for link in links)
    assert not world.fired()


def subscriptions(world: World, **slots: tuple[Slot, ...]) -> set[str]:
    """The logical links when both subscribers have a subscription ``sub`` and the nodes have these slots."""
    world.add("pub-1", "primary", system_id="1")
    world.add("pub-2", "primary", system_id="2")
    for name in ("sub-1", "sub-2"):
        world.add(name, "primary", system_id=name).set(subscriptions=(Subscription(name="sub", slot="sub"),))
    for name, shown in slots.items():
        world.servers[name.replace("_", "-")].set(slots=shown)
    for _ in range(8):
        world.step()
    return {link.id.partition("/")[2] for link in world.state.memory.links.values()}


def test_subscriptions_of_one_name_without_workers_accuse_nobody() -> None:
    """Each may read either slot: the link names both."""
    slot = Slot(name="sub", kind="logical", restart_lsn="0/1")
    found = subscriptions(World(), pub_1=(slot,), pub_2=(slot,))
    assert found == {"pub-1 or pub-2->sub-1/sub", "pub-1 or pub-2->sub-2/sub"}


@pytest.mark.parametrize("restarted", [False, True])
def test_a_server_that_is_seen_twice_has_one_set_of_links(restarted: bool) -> None:
    """Also while only one of the two agents has looked at it since its restart."""
    world = World(split_brain={"for_s": 0.0})
    for name in ("pg-1", "vip"):
        world.add(name, "primary", started_at=at(-500.0))
    down = world.add("pg-2", "standby")
    for second in range(16):
        for name in ("pg-1", "vip"):
            late = name == "vip" and second < 12
            server = world.servers[name]
            if restarted and second >= 10 and not late:
                server.node = replace(server.node, started_at=at(0.0) + timedelta(seconds=10.5))
            world.stream(server, down)
        world.servers["vip"].silent = restarted and second in (10, 11)
        world.step()
    assert [link.upstream for link in world.state.memory.links.values()] == ["pg-1"]
    assert "split_brain" not in world.fired()


def test_a_sender_that_never_got_to_the_start_of_its_stream() -> None:
    """The receiver says that it streams, and asks for WAL that its upstream does not have: it is no stranger's."""
    world = World()
    primary, standby = world.pair()
    for second in range(20):
        world.stream(primary, standby)
        began = at(world.time - 8.0)
        receiver = replace(standby.fields["upstream"], host="proxy.db", slot=None, pid=9, began_at=began)
        row = primary.fields["downstreams"][-1]
        standby.set(upstream=receiver)
        if second > 10:
            primary.set(downstreams=(replace(row, state="startup", slot=None, pid=43, connected_s=8.0),), slots=())
        world.step()
    assert [(link.upstream, link.headless) for link in world.state.memory.links.values()] == [("pg-1", False)]

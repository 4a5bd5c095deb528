"""The server that a standby is taken to follow, from the evidence of both ends."""

from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.replication import Downstream, Positions, Slot, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.world import World, at

ELSEWHERE = Upstream(host="10.0.0.9", port=6432, status="streaming", application_name="walreceiver")
"""The address of a proxy and names that say nothing: what a standby shows that nobody has configured."""


def two_primaries(other_id: str = "7002") -> World:
    """Primaries pg-1 and pg-3, and a standby pg-2 with the system identifier of pg-1, whose agent reports last."""
    world = World()
    world.add("pg-1", "primary", system_id="7001")
    world.add("pg-3", "primary", system_id=other_id)
    world.step()
    world.step()
    world.add("pg-2", "standby", system_id="7001")
    return world


def links(world: World, upstream: Upstream, *, seconds: int = 10, **primary: Any) -> set[str]:
    """The links once the standby showed ``upstream`` for a while, and pg-1 what is given."""
    for _ in range(seconds):
        lsn = format_lsn(world.lsn)
        for name in ("pg-1", "pg-3"):
            world.servers[name].set(positions=Positions(current_lsn=lsn))
        world.servers["pg-1"].set(**primary)
        world.servers["pg-2"].set(positions=Positions(received_lsn=lsn, replayed_lsn=lsn), upstream=upstream)
        world.step()
    return set(world.state.memory.links)


@pytest.mark.parametrize(
    ("shown", "primary"),
    [
        ({"host": "pg-1.db", "port": 5432}, {}),
        ({"slot": "s2"}, {"slots": (Slot(name="s2", active=True),)}),
        (
            {"application_name": "reports"},
            {"downstreams": (Downstream(name="reports", state="streaming", replay_lsn="0/1"),)},
        ),
        ({}, {"downstreams": (Downstream(name="pg-2", state="streaming", replay_lsn="0/1"),)}),
    ],
    ids=["address", "slot", "application name", "name of the node"],
)
def test_one_match_is_enough(shown: dict[str, Any], primary: dict[str, Any]) -> None:
    """Address, slot, or the name that the upstream's sender shows; also where several primaries hold the same data."""
    world = two_primaries(other_id="7001")
    assert links(world, replace(ELSEWHERE, **shown), **primary) == {"orders/pg-1->pg-2"}


def test_an_address_that_the_agent_connects_to_counts() -> None:
    """A server may listen on several addresses."""
    world = two_primaries(other_id="7001")
    server = world.servers["pg-1"]
    server.node = replace(server.node, aliases=("10.0.0.9:6432",))
    assert links(world, ELSEWHERE) == {"orders/pg-1->pg-2"}


def test_without_a_match_it_follows_the_only_primary_that_holds_the_same_data() -> None:
    """By the system identifier; a primary of other data is none."""
    assert links(two_primaries(), ELSEWHERE) == {"orders/pg-1->pg-2"}


def test_of_several_primaries_with_the_same_data_none_is_chosen() -> None:
    """The link then begins at the address that the standby shows."""
    assert links(two_primaries(other_id="7001"), ELSEWHERE) == {"orders/10.0.0.9:6432->pg-2"}


def test_a_primary_of_other_data_is_not_followed() -> None:
    """Even if it is the only one."""
    world = World()
    world.add("pg-1", "standby", system_id="7001")
    world.add("pg-2", "standby", system_id="7001")
    world.add("pg-3", "primary", system_id="7002")
    assert links(world, ELSEWHERE) == {"orders/10.0.0.9:6432->pg-2"}


def test_a_slot_of_a_subscription_is_no_match() -> None:
    """A logical slot of the same name feeds no standby."""
    world = two_primaries(other_id="7001")
    logical = Slot(name="s2", kind="logical", active=True)
    assert links(world, replace(ELSEWHERE, slot="s2"), slots=(logical,)) == {"orders/10.0.0.9:6432->pg-2"}


def test_the_upstream_stays_when_its_evidence_is_gone() -> None:
    """A standby that has lost its connection still belongs to the server that it followed."""
    world = two_primaries(other_id="7001")
    assert links(world, replace(ELSEWHERE, host="pg-1.db", port=5432)) == {"orders/pg-1->pg-2"}
    assert links(world, replace(ELSEWHERE, status=None)) == {"orders/pg-1->pg-2"}


def test_a_standby_that_is_pointed_elsewhere_has_moved() -> None:
    """The link to its earlier upstream ends."""
    world = two_primaries(other_id="7001")
    links(world, replace(ELSEWHERE, host="pg-1.db", port=5432))
    assert links(world, replace(ELSEWHERE, host="pg-3.db", port=5432)) == {"orders/pg-3->pg-2"}


def test_standbys_that_follow_each_other_are_judged() -> None:
    """A chain that has no primary at its end, and begins where it ends, has no lag that is known."""
    world = World()
    for name in ("pg-1", "pg-2"):
        world.add(name, "standby")
    for _ in range(5):
        for name, other in (("pg-1", "pg-2"), ("pg-2", "pg-1")):
            world.servers[name].set(
                positions=Positions(received_lsn="0/1000000", replayed_lsn="0/1000000"),
                upstream=Upstream(host=f"{other}.db", port=5432, status="streaming"),
            )
        world.step()
    assert set(world.state.memory.links) == {"orders/pg-1->pg-2", "orders/pg-2->pg-1"}


def test_a_link_whose_ends_are_both_silent_is_unknown() -> None:
    """Its last verdict is no longer evidence."""
    world = World()
    up, down = world.pair()
    for second in range(40):
        up.silent = down.silent = second >= 10
        world.stream(up, down)
        world.step()
    (link,) = world.state.memory.links.values()
    assert link.verdict == "unknown"


def test_the_sender_of_a_standby_that_was_promoted_serves_nobody_else() -> None:
    """The last look at the old primary is from before the promotion, and shows the sender still."""
    world = World()
    up, down = world.pair()
    for _ in range(8):
        world.stream(up, down)
        world.step()
    assert set(world.state.memory.links) == {"orders/pg-1->pg-2"}
    up.silent = True
    down.node = replace(down.node, role="primary", timeline=2)
    down.fields.clear()
    for _ in range(3):
        down.set(positions=Positions(current_lsn=format_lsn(world.lsn)))
        world.step()
    assert not set(world.state.memory.links)
    up.silent = False
    up.node = replace(up.node, role="standby")
    up.fields.clear()
    for _ in range(8):
        world.stream(down, up)
        world.step()
    assert set(world.state.memory.links) == {"orders/pg-2->pg-1"}


def test_the_sender_of_a_standby_whose_connection_ended_serves_nobody_else() -> None:
    """Two standbys that look alike, and a look at the primary from just before one is pointed elsewhere."""
    world = World()
    primary = world.add("pg-1", "primary")
    began_s = {"pg-3": 0.0, "pg-2": 0.3}
    for second in range(20):
        lsn = format_lsn(world.lsn)
        senders = [
            Downstream(name="walreceiver", state="streaming", pid=pid, port=pid, address="10.0.0.9", replay_lsn=lsn)
            for pid in (6001, 6002)
        ]
        rows = [
            replace(row, connected_s=second + 1 - start)
            for row, start in zip(senders, began_s.values(), strict=True)
            if second < 10 or start == 0.0
        ]
        primary.set(positions=Positions(current_lsn=lsn), downstreams=tuple(rows))
        for name in ("pg-2", "pg-3"):
            standby = world.servers.get(name) or world.add(name, "standby")
            receiver = Upstream(host="pg-1.db", port=5432, application_name="walreceiver")
            streams = replace(receiver, status="streaming", pid=20, began_at=at(began_s[name]), local_port=7001)
            upstream = streams if second < 9 or name == "pg-3" else replace(receiver, host="pg-9.db")
            standby.set(positions=Positions(received_lsn=lsn, replayed_lsn=lsn), upstream=upstream)
        world.step()
        if second > 5:  # all agents have reported
            assert set(world.state.memory.links) == {"orders/pg-1->pg-2", "orders/pg-1->pg-3"}

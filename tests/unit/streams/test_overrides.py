"""The subjects that an override of limits holds for: what is given in ``match`` must all match."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from leadline.model.replication import Positions
from leadline.settings.stream import StreamSettings
from leadline_streams.assembly import policy_of
from tests.unit.streams.world import World

PRIMARY = {"datacenter": "fra1", "labels": {"tier": "gold"}}
STANDBY = {"datacenter": "ams2", "labels": {"tier": "reporting", "team": "payments"}}
NEVER, AT_ONCE = {"for_s": 86400.0}, {"for_s": 1.0}


def world_with(*overrides: tuple[dict[str, Any], dict[str, Any]], rule: str = "replay_paused") -> World:
    """A pair of servers. Each override is a match and the limits of ``rule``, which else fires after a day."""
    settings = {
        "rules": {rule: NEVER},
        "overrides": [{"match": match, "rules": {rule: limits}} for match, limits in overrides],
    }
    world = World(policy=policy_of(msgspec.convert(settings, StreamSettings)))
    world.add("pg-1", "primary", **PRIMARY)
    world.add("pg-2", "standby", **STANDBY)
    return world


def pause(world: World, seconds: int = 10) -> None:
    """Replay on pg-2 is paused meanwhile."""
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for _ in range(seconds):
        world.stream(up, down)
        down.set(positions=replace(down.fields["positions"], replay_paused=True))
        world.step()


@pytest.mark.parametrize(
    "match",
    [
        {"cluster": "orders"},
        {"cluster": "ord*"},
        {"datacenter": "ams2"},
        {"datacenter": "ams?"},
        {"node": "pg-2"},
        {"node": "pg-1"},
        {"link": "orders/pg-1->pg-2"},
        {"link": "*->pg-2"},
        {"labels": {"tier": "reporting"}},
        {"labels": {"tier": "rep*", "team": "payments"}},
        {"cluster": "orders", "datacenter": "ams2", "node": "pg-2", "link": "*", "labels": {"team": "*"}},
    ],
    ids=str,
)
def test_a_link_matches_by_its_cluster_its_ends_and_its_downstream(match: dict[str, Any]) -> None:
    """Names of either end; datacenter and labels of the downstream; patterns have ``*`` and ``?``."""
    world = world_with((match, AT_ONCE))
    pause(world)
    assert world.fired() == {"replay_paused"}


@pytest.mark.parametrize(
    "match",
    [
        {"cluster": "billing"},
        {"cluster": "order"},
        {"datacenter": "fra1"},
        {"node": "pg-3"},
        {"node": "pg"},
        {"link": "orders/pg-2->pg-1"},
        {"link": "pg-1->pg-2"},
        {"labels": {"tier": "gold"}},
        {"labels": {"tier": "reporting", "team": "search"}},
        {"labels": {"region": "eu"}},
        {"cluster": "billing", "node": "pg-2"},
        {"cluster": "orders", "datacenter": "fra1"},
        {"node": "pg-2", "link": "orders/pg-1->pg-3"},
        {"node": "pg-2", "labels": {"tier": "gold"}},
    ],
    ids=str,
)
def test_one_part_that_does_not_match_is_enough(match: dict[str, Any]) -> None:
    """The override does not hold then, whatever else matches."""
    world = world_with((match, AT_ONCE))
    pause(world)
    assert world.fired() == set()


@pytest.mark.parametrize(
    ("match", "fires"),
    [
        ({"node": "pg-2"}, True),
        ({"datacenter": "ams2"}, True),
        ({"labels": {"team": "payments"}}, True),
        ({"node": "pg-1"}, False),
        ({"datacenter": "fra1"}, False),
        ({"link": "orders/*"}, False),
    ],
    ids=str,
)
def test_a_node_matches_by_itself(match: dict[str, Any], fires: bool) -> None:
    """By its own name, datacenter and labels; a pattern for links matches no node."""
    world = world_with((match, AT_ONCE), rule="node_down")
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    for second in range(15):
        world.stream(up, down)
        down.set(up=second < 5)
        world.step()
    assert ("node_down" in world.fired()) == fires


@pytest.mark.parametrize(
    ("match", "fires"),
    [({"cluster": "orders"}, True), ({"node": "pg-1"}, True), ({"cluster": "billing"}, False)],
    ids=str,
)
def test_a_cluster_matches_by_its_name_and_its_primary(match: dict[str, Any], fires: bool) -> None:
    """A rule about a whole cluster is decided at the samples of a primary."""
    world = world_with((match, AT_ONCE), rule="split_brain")
    up = world.servers["pg-1"]
    world.servers["pg-2"].node = replace(world.servers["pg-2"].node, role="primary")
    for server in world.servers.values():
        server.set(positions=Positions(current_lsn="0/1000000"))
    for _ in range(20):
        world.step()
    assert up.node.role == "primary"
    assert ("split_brain" in world.fired()) == fires


def test_a_later_override_wins() -> None:
    """Of two that match, field by field: what the later one leaves out stays as the earlier one set it."""
    for first, second, fires in ((AT_ONCE, NEVER, False), (NEVER, AT_ONCE, True), (AT_ONCE, {"keep_s": 1.0}, True)):
        world = world_with(({"node": "pg-2"}, first), ({"cluster": "orders"}, second))
        pause(world)
        assert (world.fired() == {"replay_paused"}) == fires


def test_an_override_switches_a_rule_off() -> None:
    """For the subjects that match, and for no others."""
    off = {"enabled": False}
    for match, fires in (({"node": "pg-2"}, False), ({"node": "pg-3"}, True)):
        world = world_with(({"cluster": "orders"}, AT_ONCE), (match, off))
        pause(world)
        assert (world.fired() == {"replay_paused"}) == fires


@pytest.mark.parametrize("change", [{"labels": {"tier": "gold"}}, {"datacenter": "fra1"}], ids=str)
def test_a_node_that_is_labelled_anew_has_other_limits(change: dict[str, Any]) -> None:
    """For alerts that begin afterwards."""
    world = world_with(({"datacenter": "fra1"}, AT_ONCE), ({"labels": {"tier": "gold"}}, AT_ONCE))
    up, down = world.servers["pg-1"], world.servers["pg-2"]
    pause(world)
    for _ in range(10):
        down.fields.pop("positions")
        world.stream(up, down)
        world.step()
    assert [step.to for step in world.transitions] == ["pending", "ok"]
    down.node = replace(down.node, **change)
    pause(world)
    assert world.fired() == {"replay_paused"}

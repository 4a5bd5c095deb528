"""``rule_blind``."""

from typing import Any

import pytest

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World


@pytest.mark.parametrize("field", ["not_supported", "not_read"])
def test_a_group_that_no_right_would_show_is_named(field: str) -> None:
    """The link is judged by its other end, and is not cut off by what is hidden."""
    world = World(rule_blind=QUICK, replication_cut_off={"for_s": 0.0})
    _, down = world.pair()
    play.stream(world, 10)
    hidden: dict[str, Any] = {"upstream": None, field: ("upstream", "positions.last_replay_at")}
    play.stream(world, 10, lambda _, down: down.set(**hidden))
    fired = play.last(world, "rule_blind")
    assert (fired.to, fired.value) == ("firing", 1.0)
    assert play.facts(fired) == {field: "upstream"}
    assert world.first_cause() == "inputs_refused"
    assert world.fired() == {"rule_blind"}
    down.set(**{field: ()})
    play.stream(world, 10)
    assert play.life(world, "rule_blind")[-1] == "resolved"


def test_what_no_rule_needs_is_not_missed() -> None:
    """Of a primary the WAL receiver, of any server the size of its WAL directory and single fields."""
    world = World(rule_blind={"for_s": 0.0})
    world.pair()
    hidden = ("upstream", "disk", "positions.received_lsn", "copies", "archiver")
    play.stream(world, 20, lambda up, _: up.set(not_supported=hidden))
    assert world.transitions == []


@pytest.mark.parametrize("field", ["not_permitted", "not_supported", "not_read"])
def test_an_alert_about_what_is_hidden_does_not_end(field: str) -> None:
    """A subscription that is not seen for a moment is not gone."""
    world = World(subscription_disabled=QUICK, rule_blind={"enabled": False}, not_seen={"enabled": False})
    play.subscribe(world, 10)
    play.subscribe(world, 10, enabled=False, pid=None)
    assert play.last(world, "subscription_disabled").to == "firing"
    play.subscribe(world, 10, lambda _, down: down.set(subscriptions=(), **{field: ("subscriptions",)}))
    assert "resolved" not in play.life(world, "subscription_disabled")
    world.servers["pg-3"].set(**{field: ()})
    play.subscribe(world, 15)
    assert play.last(world, "subscription_disabled").to == "resolved"


@pytest.mark.parametrize("field", ["not_permitted", "not_supported", "not_read"])
def test_hidden_standbys_are_not_missing_ones(field: str) -> None:
    """Fewer synchronous standbys are connected than required only where the standbys are seen."""
    world = World(sync_degraded={"for_s": 0.0})
    up, _ = world.pair()
    up.settings = {"synchronous_standby_names": "FIRST 1 (pg_2)"}
    up.set(**{field: ("downstreams",)})
    world.send_settings()
    play.stream(world, 20, lambda up, _: up.set(downstreams=()))
    assert "sync_degraded" not in world.fired()

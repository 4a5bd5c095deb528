"""``config_mismatch``."""

import pytest

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

PRIMARY = {"max_connections": "200", "max_wal_senders": "10", "wal_level": "logical"}


def with_settings(standby: dict[str, str]) -> World:
    """A pair whose primary has PRIMARY and whose standby has this."""
    world = World(config_mismatch=QUICK)
    up, down = world.pair()
    up.settings, down.settings = dict(PRIMARY), standby
    play.stream(world, 3)
    world.send_settings()
    play.stream(world, 10)
    return world


def test_what_is_lower_fires_with_each_name() -> None:
    """The value is their number; both sides are shown."""
    world = with_settings({"max_connections": "100", "max_wal_senders": "10", "wal_level": "replica"})
    fired = play.last(world, "config_mismatch")
    assert (fired.to, fired.value) == ("firing", 2.0)
    assert fired.summary == "max_connections, wal_level lower on pg-2 than on its primary"
    assert play.facts(fired) == {"max_connections": "100", "wal_level": "replica"}
    world.servers["pg-2"].settings = dict(PRIMARY)
    world.send_settings()
    play.stream(world, 15)
    assert play.last(world, "config_mismatch").to == "resolved"


def test_the_beginning_of_a_difference() -> None:
    """By the change that made the difference, of whichever server: https://github.com/alphagov/govuk-puppet/pull/6418,
    where the configuration management ran on one server before the other. Without a change nobody can tell."""
    world = with_settings(dict(PRIMARY))
    assert "config_mismatch" not in world.fired()
    world.servers["pg-1"].settings["max_connections"] = "300"
    world.send_settings()
    play.stream(world, 10)
    (fact,) = play.last(world, "config_mismatch").evidence
    assert (fact.name, fact.value) == ("max_connections", "200")
    assert fact.note is not None
    assert fact.note.startswith("300 on pg-1, since it was changed on pg-1 at 2026-04-10 10:00:1")
    always = with_settings({"max_connections": "100", "wal_level": "logical"})
    (fact,) = play.last(always, "config_mismatch").evidence
    assert fact.note == "200 on pg-1"


@pytest.mark.parametrize("standby", [PRIMARY, {**PRIMARY, "max_connections": "300"}, {"wal_level": "logical"}, {}])
def test_what_is_no_mismatch(standby: dict[str, str]) -> None:
    """Equal, higher, or not known."""
    assert with_settings(standby).transitions == []


def test_a_cascading_standby_is_compared_with_the_primary() -> None:
    """Its own upstream, too low as well, is no measure."""
    world = World(config_mismatch=QUICK)
    up, middle = world.pair()
    leaf = world.add("pg-3", "standby")
    up.settings = {"max_connections": "200"}
    middle.settings = leaf.settings = {"max_connections": "100"}
    for second in range(15):
        world.stream(up, middle)
        world.stream(middle, leaf)
        world.step()
        if second == 3:
            world.send_settings()
    fired = {t.subject.id for t in play.of(world, "config_mismatch") if t.to == "firing"}
    assert fired == {"orders/pg-1->pg-2", "orders/pg-2->pg-3"}

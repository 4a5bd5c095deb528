"""``slot_sync_off``."""

import pytest
from msgspec.structs import replace

from leadline.model.replication import Slot
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, World

COMPLETE = {
    "sync_replication_slots": "on",
    "hot_standby_feedback": "on",
    "primary_slot_name": "s2",
    "primary_conninfo": "user=repl host=pg-1 dbname=postgres port=5432",
    "wal_level": "logical",
}


def with_settings(**changed: str) -> World:
    """A pair whose standby has what it needs, but for this."""
    world = World(slot_sync_off=QUICK)
    _, standby = world.pair()
    standby.settings = {**COMPLETE, **changed}
    play.stream(world, 3)
    world.send_settings()
    play.stream(world, 10)
    return world


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("primary_conninfo", "user=repl host=pg-1", "primary_conninfo has no dbname"),
        ("primary_conninfo", "user=repl dbname='' host=pg-1", "primary_conninfo has no dbname"),
        ("primary_conninfo", "user=repl host=dbname application_name=mydbname=x", "primary_conninfo has no dbname"),
        ("hot_standby_feedback", "off", "hot_standby_feedback is off"),
        ("primary_slot_name", "", "primary_slot_name is empty"),
        ("wal_level", "replica", "wal_level is replica"),
    ],
)
def test_each_setting_that_is_missing(setting: str, value: str, words: str) -> None:
    """It is named, with its cause, until it is there."""
    world = with_settings(**{setting: value})
    fired = play.last(world, "slot_sync_off")
    assert fired.value == 1.0
    assert words in fired.summary
    assert [cause.code for cause in fired.causes] == ["slot_sync_misconfigured"]
    world.servers["pg-2"].settings = dict(COMPLETE)
    world.send_settings()
    play.stream(world, 15)
    assert play.last(world, "slot_sync_off").to == "resolved"


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"primary_conninfo": "dbname='my db' host=pg-1"},
        {"sync_replication_slots": "off", "hot_standby_feedback": "off", "primary_conninfo": "host=pg-1"},
    ],
)
def test_what_lacks_nothing(changed: dict[str, str]) -> None:
    assert with_settings(**changed).transitions == []


def test_settings_that_the_role_may_not_read_say_nothing() -> None:
    world = World(slot_sync_off=QUICK)
    _, standby = world.pair()
    standby.settings = {"sync_replication_slots": "on", "hot_standby_feedback": "off"}
    play.stream(world, 3)
    world.send_settings()
    play.stream(world, 10)
    assert world.transitions == []


def test_a_primary_synchronizes_nothing() -> None:
    """It may have the setting for the time after a failover."""
    world = World(slot_sync_off=QUICK)
    primary, _ = world.pair()
    primary.settings = {**COMPLETE, "primary_conninfo": "", "hot_standby_feedback": "off"}
    play.stream(world, 3)
    world.send_settings()
    play.stream(world, 10)
    assert world.transitions == []


def test_a_slot_that_is_in_the_way() -> None:
    """Of a primary that was demoted: it is dropped only while the consumer reads that of the new primary."""
    for active in (True, False):
        world = World(slot_sync_off=QUICK)
        primary, standby = world.pair()
        standby.settings = dict(COMPLETE)
        slot = Slot(name="cdc", kind="logical", failover=True, synced=False, active=active, active_pid=7)
        primary.set(slots=(slot,))
        standby.set(slots=(replace(slot, active=False, active_pid=None),))
        play.stream(world, 3)
        world.send_settings()
        play.stream(world, 10)
        fired = play.last(world, "slot_sync_off")
        assert "pg-2 has a slot cdc of its own" in fired.summary
        (cause,) = fired.causes
        assert ("destructive" in {step.risk for step in cause.steps}) == active
        standby.set(slots=(replace(slot, active=False, synced=True),))
        play.stream(world, 15)
        assert play.last(world, "slot_sync_off").to == "resolved"

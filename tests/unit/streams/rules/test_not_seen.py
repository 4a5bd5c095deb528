"""``not_seen``."""

from msgspec.structs import replace

from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World

HIDDEN = ("downstreams", "upstream", "activity", "disk", "settings")


def blind(_: Server, down: Server) -> None:
    down.set(upstream=None, not_permitted=HIDDEN, login="nomon")


def test_a_role_without_pg_monitor_is_named_with_the_grant() -> None:
    """The standby is seen by its primary alone; it is not cut off."""
    world = World(not_seen=QUICK, replication_cut_off={"for_s": 0.0})
    _, down = world.pair()
    play.stream(world, 10)
    play.stream(world, 10, blind)
    fired = play.last(world, "not_seen")
    assert fired.to == "firing"
    assert fired.summary == "blind on pg-2: role nomon lacks pg_monitor; run GRANT pg_monitor TO nomon"
    assert world.fired() == {"not_seen"}
    assert world.state.memory.nodes["pg-2"].blind == "role nomon lacks pg_monitor; run GRANT pg_monitor TO nomon"
    down.set(not_permitted=())
    play.stream(world, 10)
    assert play.life(world, "not_seen")[-1] == "resolved"


def test_a_role_that_does_not_inherit_gets_the_statement_that_helps() -> None:
    """A second GRANT leaves such a membership as it is, on every version; what helps depends on the version."""
    for version_num, statement in (
        (180000, "GRANT pg_monitor TO nomon WITH INHERIT TRUE"),
        (150000, "GRANT pg_monitor TO nomon; ALTER ROLE nomon INHERIT"),
    ):
        world = World(not_seen=QUICK)
        for server in world.pair():
            server.node = replace(server.node, version_num=version_num)
        play.stream(world, 10)
        play.stream(world, 10, lambda _, down: down.set(not_permitted=("settings",), login="nomon", inherits=False))
        fired = play.last(world, "not_seen")
        assert fired.summary == f"blind on pg-2: role nomon does not inherit pg_monitor; run {statement}"
        (cause,) = world.causes
        assert cause.code == "rights_missing"
        assert "links, lag" not in cause.summary
        assert "until then Leadline does not see all of pg-2: settings" in cause.summary


def test_a_blind_primary_cuts_nobody_off() -> None:
    """No row is no sign where the agent may not read rows; the receiver shows the connection."""
    world = World(not_seen=QUICK, replication_cut_off={"for_s": 0.0})
    world.pair()
    play.stream(world, 10)
    play.stream(world, 10, lambda up, _: up.set(downstreams=(), not_permitted=HIDDEN))
    assert world.fired() == {"not_seen"}


def test_the_size_of_the_wal_directory_alone_is_not_missed() -> None:
    """Managed servers refuse it to every role."""
    world = World(not_seen=QUICK)
    world.pair()
    play.stream(world, 20, lambda up, _: up.set(not_permitted=("disk",)))
    assert play.life(world, "not_seen") == []

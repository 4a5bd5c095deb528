"""``conflict_blindness``."""

from msgspec.structs import replace

from leadline.model.replication import Downstream, Slot, Subscription
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def back(up: Server, down: Server) -> None:
    """pg-1 subscribes to pg-3 in turn."""
    lsn = format_lsn(up.world.lsn)
    slot = Slot(name="back", kind="logical", plugin="pgoutput", active=True, confirmed_lsn=lsn, restart_lsn=lsn)
    row = Downstream(name="back", kind="logical", slot="back", state="streaming", replay_lsn=lsn, reply_age_s=0.5)
    down.set(slots=(slot,), downstreams=(row,))
    up.set(subscriptions=(Subscription(name="back", slot="back", pid=78, received_lsn=lsn, latest_end_lsn=lsn),))


def world_with(tracks: str) -> World:
    """pg-3 subscribes to pg-1 and has this setting; pg-1 records origins."""
    world = World(conflict_blindness=QUICK)
    play.subscribe(world, 2)
    world.servers["pg-1"].settings = {"track_commit_timestamp": "on"}
    world.servers["pg-3"].settings = {"track_commit_timestamp": tracks}
    if tracks:
        world.send_settings()
    return world


def test_a_server_that_does_not_record_origins_is_named() -> None:
    """Only it, and until the setting is on."""
    world = world_with("off")
    play.subscribe(world, 10, back)
    fired = play.last(world, "conflict_blindness")
    assert (fired.to, fired.subject.node, fired.subject.name) == ("firing", "pg-3", "sub")
    assert "could not report a conflict with rows of pg-1" in fired.summary
    assert world.first_cause() == "origins_not_recorded"
    world.servers["pg-3"].settings = {"track_commit_timestamp": "on"}
    world.send_settings()
    play.subscribe(world, 15, back)
    assert play.last(world, "conflict_blindness").to == "resolved"


def test_nothing_is_missed_where_rows_cannot_meet() -> None:
    """A subscription in one direction, a server that records origins, and settings that are not known."""
    for tracks, change in (("off", None), ("on", back), ("", back)):
        world = world_with(tracks)
        play.subscribe(world, 15, change)
        assert play.life(world, "conflict_blindness") == []


def test_a_slot_of_a_standby_is_no_subscriber() -> None:
    """Physical slots have no plugin."""
    world = world_with("off")

    def follow(_: Server, down: Server) -> None:
        down.set(slots=(replace(Slot(name="s4"), active=True, wal_status="reserved"),))

    play.subscribe(world, 15, follow)
    assert play.life(world, "conflict_blindness") == []

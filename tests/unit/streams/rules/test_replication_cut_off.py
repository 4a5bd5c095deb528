"""``replication_cut_off``."""

import pytest
from msgspec.structs import replace

from leadline.model.replication import Downstream, Positions, Slot
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.rules import play
from tests.unit.streams.world import QUICK, Server, World


def test_a_cut_stream_fires_and_resolves() -> None:
    """Both servers run; neither has a connection."""
    world = World(replication_cut_off=QUICK)
    world.pair()
    play.stream(world, 10)
    play.stream(world, 10, play.cut, received=world.lsn)
    fired = play.last(world, "replication_cut_off")
    assert (fired.to, fired.verdict) == ("firing", "cut_off")
    assert play.facts(fired)["receiver"] == "none"
    play.stream(world, 15)
    assert play.life(world, "replication_cut_off") == ["pending", "firing", "resolved"]


def test_a_cut_on_an_idle_primary_fires() -> None:
    """Nothing is missing yet."""
    world = World(replication_cut_off=QUICK)
    world.pair()
    world.rate = 0
    play.stream(world, 10)
    play.stream(world, 10, play.cut)
    assert world.fired() == {"replication_cut_off"}


def test_a_receiver_that_flaps_fires_once() -> None:
    """It connects every five seconds, is refused what it asks for, and ends."""
    world = World()
    world.pair()
    play.stream(world, 10)
    stuck = world.lsn
    for _ in range(12):
        play.stream(world, 4, play.cut, received=stuck)
        play.stream(world, 1, received=stuck)
    assert play.life(world, "replication_cut_off") == ["pending", "firing"]


@pytest.mark.slow
def test_it_is_critical_after_minutes() -> None:
    """A standby that has been gone for five minutes is not about to come back."""
    world = World()
    world.pair()
    play.stream(world, 10)
    play.stream(world, 320, play.cut, received=world.lsn)
    assert play.last(world, "replication_cut_off").severity == "critical"


def test_a_server_that_is_down_is_not_cut_off() -> None:
    """That is ``node_down``."""
    world = World(replication_cut_off=QUICK)
    world.pair()
    play.stream(world, 10)
    play.stream(world, 40, lambda up, down: (play.cut(up, down), down.set(up=False)), received=world.lsn)
    assert world.fired() == {"node_down"}


def test_a_standby_of_another_cluster_fires() -> None:
    """It runs, and its upstream refuses it: their system identifiers differ."""
    world = World(replication_cut_off=QUICK)
    _, down = world.pair()
    play.stream(world, 10)
    down.node = replace(down.node, system_id="9999")
    play.stream(world, 10, play.cut, received=world.lsn)
    fired = play.last(world, "replication_cut_off")
    assert (fired.to, fired.verdict) == ("firing", "broken")


def test_a_subscription_that_is_disabled_is_meant_to_be_cut() -> None:
    """``subscription_disabled`` says so."""
    world = World(replication_cut_off=QUICK)
    play.subscribe(world, 10)
    play.subscribe(world, 30, lambda up, _: up.set(downstreams=()), enabled=False, pid=None)
    assert "replication_cut_off" not in world.fired()


def test_a_subscription_without_a_worker_fires() -> None:
    """Enabled, and nobody connects: no worker is free, or the publisher refuses."""
    world = World(replication_cut_off=QUICK)
    play.subscribe(world, 10)
    play.subscribe(world, 10, lambda up, _: up.set(downstreams=()), pid=None)
    assert "replication_cut_off" in world.fired()


def with_guest(row: Downstream, slot: Slot | None) -> World:
    """A lone primary that a downstream without an agent reads for ten seconds and then leaves."""
    world = World(replication_cut_off=QUICK, slot_inactive={"enabled": False})
    up = world.add("pg-1", "primary")
    for connected in (True,) * 10 + (False,) * 40:
        up.set(
            positions=Positions(current_lsn="0/2000000"),
            downstreams=[row] if connected else [],
            slots=[replace(slot, active=connected)] if slot is not None and (connected or not slot.temporary) else [],
        )
        world.step()
    return world


def test_a_backup_that_ended_is_not_cut_off() -> None:
    """pg_basebackup streams the WAL beside the backup, with a slot of its session."""
    row = Downstream(name="pg_basebackup", slot="pg_basebackup_77", state="streaming")
    assert with_guest(row, Slot(name="pg_basebackup_77", temporary=True)).fired() == set()
    assert with_guest(replace(row, slot=None), None).fired() == set()


def test_a_downstream_without_an_agent_is_missed() -> None:
    """With a slot that waits for it, or as a standby without one."""
    row = Downstream(name="warehouse", slot="warehouse", state="streaming")
    assert with_guest(row, Slot(name="warehouse")).fired() == {"replication_cut_off"}
    assert with_guest(replace(row, slot=None), None).fired() == {"replication_cut_off"}


def test_silence_leaves_it_unknown() -> None:
    """The alert does not clear because nobody looks."""
    world = World(replication_cut_off=QUICK)
    world.pair()
    play.stream(world, 10)
    play.stream(world, 10, play.cut, received=world.lsn)
    for server in world.servers.values():
        server.silent = True
    play.look(world, 30)
    assert play.life(world, "replication_cut_off") == ["pending", "firing", "unknown"]


def test_a_receiver_of_wal_for_backups_confirms_in_its_own_time() -> None:
    """Between two replies it is not cut off, nor behind; when it ends, its link does."""
    world = World(replication_cut_off={"for_s": 0.0}, replication_lag={"warning": 5.0, "for_s": 0.0})
    world.pair()
    written = world.lsn

    def receive(up: Server, _: Server) -> None:
        nonlocal written
        if world.time % 10 < 1:
            written = world.lsn
        row = Downstream(name="offsite", kind="backup", state="streaming", pid=77, write_lsn=format_lsn(written))
        up.set(downstreams=(*up.fields["downstreams"], replace(row, reply_age_s=world.time % 10)))

    play.stream(world, 40, receive)
    assert {link.kind: link.verdict for link in world.state.memory.links.values()}["backup"] == "healthy"
    play.stream(world, 20, lambda up, _: up.set(downstreams=up.fields["downstreams"][-1:]))
    assert [link.kind for link in world.state.memory.links.values()] == ["physical"]
    assert world.fired() == set()


def test_a_standby_that_never_replied_is_cut_off() -> None:
    """Packets to the primary are lost since the standby connected.

    A new one is given time, and of a sender whose positions are hidden nothing is known.
    """
    world = World(replication_cut_off={"for_s": 0.0})
    _, down = world.pair()
    down.settings = {"wal_receiver_status_interval": "10"}
    world.send_settings()

    def unanswered(up: Server, _: Server) -> None:
        (row,) = up.fields["downstreams"]
        never = replace(row, write_lsn=None, flush_lsn=None, replay_lsn=None, reply_age_s=None)
        up.set(
            downstreams=(replace(never, connected_s=world.time, sent_lsn=row.sent_lsn if world.time > 20 else None),)
        )

    play.stream(world, 20, unanswered)
    assert world.fired() == set()
    play.stream(world, 10, unanswered)
    assert world.fired() == {"replication_cut_off"}


def test_a_receiver_that_nobody_watches_may_reply_only_when_it_is_asked() -> None:
    """``wal_receiver_status_interval = 0``: its sender asks after half of its timeout, 30 s by default."""
    world = World(replication_cut_off={"for_s": 0.0})
    _, down = world.pair()
    down.silent = True

    def unanswered(up: Server, _: Server) -> None:
        (row,) = up.fields["downstreams"]
        never = replace(row, write_lsn=None, flush_lsn=None, replay_lsn=None, reply_age_s=None)
        up.set(downstreams=(replace(never, connected_s=world.time),))

    play.stream(world, 25, unanswered)
    assert [link.agentless for link in world.state.memory.links.values()] == [True]
    assert world.fired() == set()
    play.stream(world, 20, unanswered)
    assert world.fired() == {"replication_cut_off"}


def test_the_servers_own_timeout_decides_when_an_idle_stream_is_silent() -> None:
    """An idle sender sends after half of its timeout, which somebody set to five minutes."""
    world = World(replication_cut_off={"for_s": 0.0})
    up, _ = world.pair()
    world.rate = 0
    play.stream(world, 5)
    up.settings = {"wal_sender_timeout": "300000"}
    world.send_settings()
    play.stream(world, 5, lambda _, down: down.set(upstream=replace(down.fields["upstream"], message_age_s=140.0)))
    assert play.life(world, "replication_cut_off") == []
    play.stream(world, 5, lambda _, down: down.set(upstream=replace(down.fields["upstream"], message_age_s=160.0)))
    assert play.life(world, "replication_cut_off") == ["firing"]

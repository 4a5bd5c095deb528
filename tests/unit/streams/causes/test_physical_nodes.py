"""Causes that lie in a server, its host, its agent or its settings."""

import pytest
from msgspec.structs import replace

from leadline.model.activity import Activity
from leadline.model.host import Archiver, Disk
from leadline.model.replication import Downstream, Positions, Upstream
from leadline_streams.engines.postgresql.lsn import format_lsn
from tests.unit.streams.causes.physical import RULES_SOON, causes, change, codes, first, pair, run
from tests.unit.streams.world import QUICK, World

GB = 10**9
REFUSED = 'refused: connection to server at "10.0.0.1", port 5432 failed: Connection refused (is the server running?)'
SILENT = "timeout: no answer in 0.9 s; is the server hung, or the network cut?"
UNKNOWN_HOST = "unknown host: failed to resolve host 'pg-1.db' (check host in the dsn and the name service)"
RESERVED_FOR_ROLES = (
    'query failed: connection to server at "10.0.0.1", port 5432 failed: FATAL: remaining connection slots are '
    'reserved for roles with privileges of the "pg_use_reserved_connections" role'
)
LOCKED_OUT = "authentication failed: password authentication failed for user (check user and password of the dsn)"


def test_a_primary_that_is_down() -> None:
    """Refused, and its standby lost it: no doubt."""
    world = pair()
    run(world, 10, cut=True, up={"up": False, "error": REFUSED})
    assert codes(world) == ["primary_down"]
    assert first(world).confidence == 0.98
    looked_at = [step.node for step in first(world).steps if "pg_last_wal_receive_lsn" in (step.sql or "")]
    assert looked_at == ["pg-2"]
    assert "promote" in first(world).fix


def test_a_primary_that_restarts_while_something_else_is_wrong() -> None:
    """Gone for a moment it is no cause of what began before; gone for longer it is a problem of its own."""
    world = pair()
    run(world, 10, positions={"replay_paused": True}, replayed=world.lsn)
    before = codes(world)
    run(world, 2, cut=True, up={"up": False, "error": REFUSED}, positions={"replay_paused": True})
    assert codes(world)[0] == before[0]
    run(world, 4, cut=True, up={"up": False, "error": REFUSED}, positions={"replay_paused": True})
    assert codes(world) == ["primary_down"]
    last = {one.incident_id: one.causes[0].code for one in world.incidents}
    assert list(last.values()) == ["replay_paused_by_operator", "primary_down"]


def test_a_primary_that_its_standby_still_receives_from() -> None:
    """Messages that are younger than the failure show that only its agent does not get there."""
    for error in (SILENT, REFUSED, UNKNOWN_HOST):
        world = pair()
        run(world, 10, up={"up": False, "error": error})
        assert codes(world) == ["agent_down"]
        assert first(world).confidence == 0.93
        assert "pg-2 still receives from it" in first(world).summary
        assert {step.risk for step in first(world).steps} == {"look"}


def test_a_primary_that_is_silent_to_its_agent_and_idle_to_its_standby() -> None:
    """An old message shows neither that it runs nor that it is down."""
    world = pair()
    run(world, 1, up={"up": False, "error": SILENT}, receiver={"message_age_s": 9.0})
    for age in range(10, 19):
        run(world, 1, up={"up": False, "error": SILENT}, receiver={"message_age_s": float(age)})
    assert (first(world).code, first(world).confidence) == ("primary_down", 0.45)
    assert [evidence.node for evidence in first(world).evidence_against] == ["pg-2"]
    assert {step.risk for step in first(world).steps} == {"look"}
    assert first(world).not_seen


def test_a_standby_that_its_primary_still_receives_from() -> None:
    """Its replies arrive: it is not down, whatever its agent gets."""
    world = pair()
    run(world, 10, down={"up": False, "error": REFUSED})
    assert codes(world) == ["agent_down"]
    assert "pg-1 still receives from it" in first(world).summary


def test_a_server_of_which_nothing_is_seen() -> None:
    """A name that is not known says nothing about the server."""
    world = pair()
    run(world, 10, cut=True, up={"up": False, "error": UNKNOWN_HOST})
    assert (first(world).code, first(world).confidence) == ("agent_down", 0.7)
    assert "of which nothing is known" in first(world).summary
    assert [evidence.name for evidence in first(world).not_seen] == ["server"]


def test_a_server_without_connections_left() -> None:
    """In any language: the code says it, and a quoted name that it is the limit of one role only."""
    for error in ("too many connections: d?sol?, trop de clients sont d?j? connect?s", RESERVED_FOR_ROLES):
        world = pair()
        run(world, 10, up={"up": False, "error": error, "error_code": "53300"})
        assert first(world).code == "connections_exhausted"
        assert "max_connections = 100" in first(world).summary
        assert "pg-2 still receives from it" in first(world).summary


def test_a_role_without_connections_left() -> None:
    """The message quotes its name, in question marks where the server does not know the encoding of its client."""
    for quoted in ("\u00bbleadline\u00ab", "?leadline?", "\u00ab leadline \u00bb", '"leadline"'):
        world = pair()
        own = f"too many connections: zu viele Verbindungen von Rolle {quoted} (raise max_connections)"
        run(world, 10, up={"up": False, "error": own, "error_code": "53300"})
        assert codes(world) == ["agent_down"]


def test_a_server_that_is_not_ready() -> None:
    """It answers: no step starts it or promotes another."""
    world = pair()
    run(
        world,
        10,
        cut=True,
        up={"up": False, "error": "query failed: das Datenbanksystem startet", "error_code": "57P03"},
    )
    assert first(world).code == "server_not_ready"
    assert {step.risk for step in first(world).steps} == {"look"}
    assert "primary_down" not in codes(world)


def test_a_server_that_refuses_its_agent() -> None:
    """The agent is what is down."""
    for place in ("up", "down"):
        world = pair()
        run(world, 10, **{place: {"up": False, "error": LOCKED_OUT}})
        assert codes(world) == ["agent_down"]


def test_a_standby_that_hangs() -> None:
    """No answer to its agent, no reply to its sender, and the connection stands."""
    world = pair()
    run(world, 10, row={"reply_age_s": 9.0, "write_lsn": "0/1000000"}, down={"up": False, "error": SILENT})
    assert codes(world) == ["standby_hung"]
    assert world.incidents[-1].title == "orders: the standby pg-2 hangs"


def test_an_agent_that_died() -> None:
    """Its server's neighbours are still connected to it."""
    world = pair()
    world.servers["pg-2"].silent = True
    run(world, 20)
    assert codes(world) == ["agent_down"]
    assert "the server itself is connected to pg-1" in first(world).summary


def test_a_host_that_is_gone() -> None:
    """Agent silent, connection lost; while it comes back it does not turn into a dead agent."""
    world = pair()
    world.servers["pg-2"].silent = True
    run(world, 20, cut=True)
    assert first(world).code == "host_down"
    run(world, 3)
    assert first(world).code == "host_down"


@pytest.mark.slow
def test_a_datacenter_that_is_gone() -> None:
    """All its nodes, and more than one."""
    world = pair()
    for name in ("pg-3", "pg-4"):
        world.stream(world.servers["pg-1"], world.add(name, "standby", datacenter="ams1"))
    run(world, 10)
    world.servers["pg-3"].silent = world.servers["pg-4"].silent = True
    run(world, 20)
    assert first(world).code == "datacenter_cut"
    assert "all 2 nodes in ams1" in first(world).summary
    assert world.incidents[-1].silent_datacenters == ["ams1"]
    world.servers["pg-3"].silent = False
    run(world, 60)
    assert world.incidents[-1].silent_datacenters == []


def test_two_writers() -> None:
    """The server that was promoted, and those that followed it."""
    world = pair()
    standby = world.servers["pg-2"]
    leaf = world.add("pg-3", "standby")
    for _ in range(5):
        world.stream(standby, leaf)
        run(world, 1)
    primary = world.servers["pg-1"]
    primary.node = replace(primary.node, timeline=1)
    standby.node = replace(standby.node, role="primary", timeline=2)
    for _ in range(10):
        world.stream(standby, leaf)
        place = format_lsn(world.lsn)
        primary.set(downstreams=(), slots=(), positions=Positions(current_lsn=place))
        standby.set(upstream=None, positions=Positions(current_lsn=place))
        world.step()
    assert codes(world)[:2] == ["two_writers", "promoted_standby_still_followed"]
    assert "pg-2 was promoted, timeline 2, while pg-1 still takes writes" in first(world).summary
    assert causes(world)[1].subject.id == "orders/pg-2->pg-3"


def test_a_synchronous_standby_that_keeps_backups() -> None:
    """As many as are asked for are there; one of them confirms when a segment is full. It is fine while none waits."""
    for waiters, named in ((3, True), (0, False)):
        world = pair()
        change(world, "pg-1", synchronous_standby_names="*")
        waits = Activity(sync_waiters=waiters, sync_wait_s=9.0)
        run(world, 10, row={"sync_state": "sync", "kind": "backup"}, up={"activity": waits})
        found = [cause for cause in world.causes if cause.code == "sync_standby_missing"]
        assert bool(found) is named
        for cause in found:
            assert cause.summary.startswith("pg-2 counts as a synchronous standby of pg-1 and receives WAL for backups")
            assert "Commits that wait: 3" in cause.summary
            assert "start it with --synchronous" in str(cause.steps)


def test_synchronous_standbys_that_are_missing() -> None:
    """The standbys that are named and absent, and the change that named them."""
    world = pair()
    change(world, "pg-1", synchronous_standby_names="pg-2")
    change(world, "pg-1", synchronous_standby_names='FIRST 2 ("pg-2", "pg-7")')
    waits = Activity(sync_waiters=4, sync_wait_s=9.0)
    run(world, 10, row={"sync_state": "sync"}, up={"activity": waits})
    assert first(world).code == "sync_standby_missing"
    assert (
        "has 1 of the 2 synchronous standbys that commits need; not connected: pg-7; commits that wait: 4"
        in first(world).summary
    )
    assert "was changed from pg-2 to" in first(world).summary


def test_an_archiver_that_fails() -> None:
    """Its newest attempt failed; the change of the command is named."""
    world = pair()
    change(world, "pg-1", archive_command="cp")
    change(world, "pg-1", archive_command="false")
    for failed in range(1, 12):
        archiver = Archiver(archived=3, failed=failed, last_failed_wal="0000", last_failed_s=0.5, last_archived_s=60.0)
        run(world, 1, up={"archiver": archiver})
    assert codes(world) == ["archiver_failing", "config_changed"]
    assert "archive_command on pg-1 was changed from cp to false" in first(world).summary
    assert "ALTER SYSTEM SET archive_command = '...';" in causes(world)[1].fix


def test_a_full_disk() -> None:
    """The server's own word for it."""
    world = pair()
    full = "query failed: could not write to file: No space left on device"
    run(world, 10, cut=True, up={"up": False, "error": full})
    assert first(world).code == "disk_full"


def test_a_volume_that_its_agent_finds_full() -> None:
    """A server that is gone says nothing; what is left of its volume does, and why it is down stays so with more."""
    world = pair()
    gone = {"up": False, "error": "refused: connection refused"}
    run(world, 10, cut=True, up={**gone, "disk": Disk(free_bytes=9_000_000, total_bytes=GB)})
    assert first(world).code == "disk_full"
    assert "9.0 MB are left on the volume of its WAL" in first(world).summary
    run(world, 5, cut=True, up={**gone, "disk": Disk(free_bytes=GB // 2, total_bytes=GB)})
    assert first(world).code == "disk_full"


def test_a_server_that_is_down_beside_room() -> None:
    """A volume with room is no reason."""
    world = pair()
    run(world, 10, cut=True, up={"up": False, "error": "refused", "disk": Disk(free_bytes=GB // 2, total_bytes=GB)})
    assert first(world).code == "primary_down"


def test_a_change_is_blamed_behind_what_it_did() -> None:
    """The mechanism comes first and names the setting; the change alone comes after it, with the way back."""
    world = pair()
    change(world, "pg-2", recovery_min_apply_delay="0")
    change(world, "pg-2", recovery_min_apply_delay="60000")
    waits = {"apply_delay_s": 60.0, "startup_wait": "Timeout/RecoveryApplyDelay"}
    run(world, 10, replayed=world.lsn, positions=waits)
    assert codes(world) == ["apply_delay_configured", "config_changed"]
    assert "ALTER SYSTEM SET recovery_min_apply_delay = 0; SELECT pg_reload_conf();" in causes(world)[1].fix


def lowered() -> World:
    """A standby whose wal_level was lowered, in the midst of an incident about it."""
    world = pair(config_mismatch={**QUICK, "critical": 1.0})
    for server, level in (("pg-1", "logical"), ("pg-2", "logical"), ("pg-2", "replica")):
        change(world, server, wal_level=level)
    run(world, 10)
    assert set(codes(world)) == {"config_changed"}
    return world


@pytest.mark.parametrize(
    ("name", "low", "high", "harm"),
    [
        ("wal_level", "replica", "logical", "subscribers could not follow this standby after a promotion"),
        ("max_connections", "50", "100", "replay pauses and the standby does not start again"),
    ],
)
def test_a_setting_that_was_too_low_before_looking_began(name: str, low: str, high: str, harm: str) -> None:
    """No change was seen, so none is blamed: both values are named, and the way to raise the lower one."""
    world = World(**{**RULES_SOON, "config_mismatch": {**QUICK, "critical": 1.0}})
    for server, value in zip(world.pair(), (high, low), strict=True):
        server.settings[name] = value
    run(world, 2)
    world.send_settings()
    run(world, 10)
    assert codes(world) == ["settings_differ"]
    assert f"{name} is {low} on pg-2 and {high} on pg-1: " in first(world).summary
    assert harm in first(world).summary
    assert f"ALTER SYSTEM SET {name} = {high}; Restart PostgreSQL" in first(world).fix
    change(world, "pg-2", **{name: high})
    run(world, 15)
    assert world.incidents == [] or world.incidents[-1].state == "resolved"


def test_what_explains_nothing_that_fired_comes_last() -> None:
    """The standby is restarted as a repair: it is down for a moment, which is no cause of what fired before."""
    world = lowered()
    run(world, 2, cut=True, down={"up": False, "error": REFUSED})
    assert (codes(world)[0], codes(world)[-1]) == ("config_changed", "standby_down")
    change(world, "pg-2", wal_level="logical")
    run(world, 20, down={"up": True, "error": None})
    assert (codes(world)[0], codes(world)[-1]) == ("config_changed", "standby_down")
    assert world.incidents[-1].state == "resolved"


@pytest.mark.parametrize(
    ("role", "title"), [("standby", "the standby pg-1 is down"), ("unknown", "the server pg-1 is down")]
)
def test_a_server_that_was_never_reached_is_not_called_a_standby(role: str, title: str) -> None:
    world = World(node_down=QUICK)
    world.add("pg-1", role).set(up=False, error=REFUSED)
    for _ in range(10):
        world.step()
    code = {"standby": "standby_down", "unknown": "server_not_seen"}[role]
    assert (codes(world), world.incidents[-1].title) == ([code], f"orders: {title}")


def test_a_standby_that_stays_down_is_the_cause_then() -> None:
    """Its own alert fired, and it is surer than the change."""
    world = lowered()
    run(world, 8, cut=True, down={"up": False, "error": REFUSED})
    assert codes(world)[0] == "standby_down"


def test_a_change_that_cannot_do_this_is_not_blamed() -> None:
    """A setting that has nothing to do with the alert stays in the list of changes only."""
    world = pair()
    change(world, "pg-2", archive_command="cp")
    change(world, "pg-2", archive_command="mv")
    run(world, 10, replayed=world.lsn, positions={"replay_paused": True})
    assert codes(world) == ["replay_paused_by_operator"]
    assert [one.setting for one in world.incidents[-1].changes] == ["archive_command"]


def test_a_setting_that_a_server_did_not_show_before_was_not_changed() -> None:
    """It came with another version, or with a right of the agent's role: nobody changed it."""
    world = pair()
    change(world, "pg-2", recovery_min_apply_delay="60000")
    run(world, 10, replayed=world.lsn, positions={"apply_delay_s": 60.0, "startup_wait": "Timeout/RecoveryApplyDelay"})
    assert codes(world) == ["apply_delay_configured"]
    assert "unset" not in str(world.causes)


def unread(error: str, *, followed: bool) -> World:
    """A server that has not answered since looking began, and one that answers, which follows it or not."""
    world = World(**RULES_SOON)
    gone = world.add("pg-1", "unknown", system_id=None)
    gone.set(up=False, error=error)
    other = world.add("pg-2", "standby" if followed else "primary")
    if followed:
        other.set(
            positions=Positions(received_lsn="0/3000000", replayed_lsn="0/3000000"),
            upstream=Upstream(host="pg-1.db", port=5432, status=None),
        )
    else:
        row = Downstream(name="walreceiver", address="pg-1.db", state="streaming", reply_age_s=20.0, write_lsn="0/1")
        other.set(positions=Positions(current_lsn="0/3000000"), downstreams=(row,))
    for _ in range(12):
        world.step()
    return world


def test_a_server_that_never_answered_and_is_followed() -> None:
    """Its standby names it: it is the upstream. Nothing shows that it is a primary, and nobody is to be promoted."""
    world = unread(REFUSED, followed=True)
    assert codes(world)[0] == "primary_down"
    assert first(world).summary.startswith("pg-1, the upstream of pg-2, is down: refused")
    assert "destructive" not in {step.risk for step in first(world).steps}
    assert [each.name for each in first(world).not_seen] == ["role", "disk"]


def test_a_server_that_never_answered_and_hangs() -> None:
    """One standby at its address is silent, and no other server is unread: it is probably that one."""
    world = unread(SILENT, followed=False)
    assert codes(world)[0] == "standby_hung"
    assert first(world).confidence == 0.6
    assert "a standby of pg-2 at pg-1.db has not replied" in first(world).summary


def test_a_server_that_never_answered_and_is_gone() -> None:
    """Nobody follows it: a server is down, and its role is not known."""
    world = unread(REFUSED, followed=False)
    assert codes(world)[0] == "server_not_seen"
    assert "whether it is a primary or a standby is not known" in first(world).summary
    assert [each.name for each in first(world).not_seen] == ["role"]


@pytest.mark.parametrize(("status", "lost"), [(None, True), ("streaming", False)])
def test_a_server_that_never_answered_beside_a_standby_of_an_unknown_address(status: str | None, lost: bool) -> None:
    """The standby lost what is at that address, and no server takes writes: the one that is down may be its primary."""
    world = World(**RULES_SOON)
    world.add("pg-1", "unknown", system_id=None).set(up=False, error=REFUSED)
    standby = world.add("pg-2", "standby")
    standby.set(
        positions=Positions(received_lsn="0/3000000", replayed_lsn="0/3000000"),
        upstream=Upstream(host="vip", port=5432, status=status, message_age_s=0.1, latest_end_lsn="0/3000000"),
    )
    for _ in range(15):
        world.step()
    named = [each for incident in world.incidents for each in incident.causes]
    cause = next(each for each in named if each.code == "server_not_seen")
    assert ("pg-2 has no connection to vip:5432, and no server that answers takes writes" in cause.summary) == lost
    assert ("Find out where vip:5432 leads to" in str(cause.steps)) == lost


@pytest.mark.parametrize(
    ("timeline", "conninfo", "code"),
    [
        (2, "user=replicator host=pg-1.db port=5432", "primary_replaced"),
        (2, "host='pg-1.db' user=replicator", "primary_replaced"),
        (2, "host=pg-1.db,pg-2.db port=5432 user=replicator", "primary_replaced"),
        (2, "host=pg-1.db,pg-3.db port=5432 user=replicator", "server_not_seen"),
        (2, "host=pg-1.db port=5433 user=replicator", "server_not_seen"),
        (2, "", "server_not_seen"),
        (1, "host=pg-1.db port=5432 user=replicator", "server_not_seen"),
    ],
    ids=["named", "default port", "among itself", "among others", "another server", "nobody", "never promoted"],
)
def test_a_server_that_never_answered_and_was_followed_by_one_that_was_promoted(
    timeline: int, conninfo: str, code: str
) -> None:
    """Started as it is, it would take writes beside the one that was promoted; so its start is not proposed."""
    world = World(**RULES_SOON)
    world.add("pg-1", "unknown", system_id=None).set(up=False, error=REFUSED)
    other = world.add("pg-2", "primary", timeline=timeline)
    other.set(positions=Positions(current_lsn="0/3000000"))
    other.settings["primary_conninfo"] = conninfo
    world.send_settings()
    for _ in range(12):
        world.step()
    assert codes(world)[0] == code
    assert len({"primary_replaced", "server_not_seen"} & set(codes(world))) == 1
    texts = [step.text or "" for step in first(world).steps]
    assert ("Start PostgreSQL on pg-1" in texts) == (code == "server_not_seen")
    (check,) = [index for index, text in enumerate(texts) if "has a file standby.signal" in text]
    assert all(step.risk == "look" for step in first(world).steps[: check + 1])


def test_a_server_that_comes_back_before_its_agent_tries_again() -> None:
    """Its standby receives again; its agent does not reach it for a moment more, and the cause stays the same."""
    world = pair()
    run(world, 10, cut=True, up={"up": False, "error": REFUSED})
    assert codes(world) == ["primary_down"]
    run(world, 4, up={"up": False, "error": REFUSED})
    assert codes(world)[0] == "primary_down"

"""Causes with a reason from the server log, and without one."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.model.host import Disk
from leadline.model.server_log import LogLine, ServerLog
from leadline_streams.causes import CAUSES
from tests.unit.streams.causes import logical as apply
from tests.unit.streams.causes import physical
from tests.unit.streams.world import World, at

PATH = "/var/lib/postgresql/18/main/log/postgresql.csv"
RECEIVER, STARTUP, SENDER, WORKER = "walreceiver", "startup", "walsender", "logical replication apply worker"
RETRIES = {"startup_wait": "Timeout/RecoveryRetrieveRetryInterval"}
REFUSED = "could not connect to the primary server: FATAL:  no pg_hba.conf entry for replication connection"
GERMAN = "konnte nicht mit dem Prim\u00e4rserver verbinden: FATAL:  kein pg_hba.conf-Eintrag"


def server_log(*lines: LogLine) -> ServerLog:
    return ServerLog(path=PATH, read=True, lines=lines)


def line(process: str, code: str, message: str = "", **fields: Any) -> LogLine:
    return LogLine(**{"at": at(15), "process": process, "code": code, "message": message, **fields})


def cut_with(on: str, *lines: LogLine, **given: Any) -> World:
    """A standby without a connection, and messages of the server log of one end."""
    world = physical.pair()
    physical.run(world, 10, cut=True, positions=RETRIES, **{on: {"server_log": server_log(*lines)}}, **given)
    return world


@pytest.mark.parametrize(("process", "message"), [(RECEIVER, REFUSED), (RECEIVER, GERMAN), ("", REFUSED)])
def test_a_standby_that_is_refused(process: str, message: str) -> None:
    """Its own server log says why, in any language, also where it shows no process."""
    cause = physical.first(cut_with("down", line(process, "08006", message)))
    assert (cause.code, cause.confidence) == ("standby_cannot_connect", 0.95)
    assert message in cause.summary


def test_a_standby_that_its_upstream_refuses() -> None:
    """The server log of the other end says whom it refused."""
    cause = physical.first(cut_with("up", line(SENDER, "28P01", "password authentication failed")))
    assert (cause.code, cause.confidence) == ("standby_cannot_connect", 0.9)
    assert "password authentication failed" in cause.summary


NO_ROOM = 'could not write to file "pg_wal/xlogtemp.25": No space left on device'


@pytest.mark.parametrize(("process", "message"), [(RECEIVER, NO_ROOM), (RECEIVER, ""), ("", NO_ROOM)])
def test_a_standby_without_room_for_what_it_receives(process: str, message: str) -> None:
    """By SQLSTATE, in any language; nothing else is blamed, and nobody has to start it."""
    world = cut_with("down", line(process, "53100", message))
    assert physical.codes(world) == ["disk_full"]
    assert physical.first(world).summary.startswith("the WAL receiver of pg-2 ends because there is no room")
    assert "start pg-2" not in str(physical.first(world).steps)


def test_a_query_without_room_for_its_temporary_file() -> None:
    """Its volume may be another one, and the WAL receiver did not write it."""
    world = cut_with("down", line("", "53100", 'could not write to file "base/pgsql_tmp/1": No space left on device'))
    assert physical.first(world).code == "standby_cannot_connect"


def test_a_standby_whose_volume_is_seen_to_have_no_room() -> None:
    """Without its server log that is a sign while it is cut off, and none while it streams."""
    full = Disk(wal_bytes=1 << 25, free_bytes=1 << 20)
    assert physical.first(cut_with("up", down={"disk": full})).code == "disk_full"
    world = physical.pair()
    physical.run(world, 20, down={"disk": full})
    assert world.fired() == set()


def test_a_full_disk_that_nobody_can_see_is_a_guess() -> None:
    """It stays at one half, with a look at the disk among its steps."""
    cause = physical.first(cut_with("up"))
    assert (cause.code, cause.confidence) == ("standby_cannot_connect", 0.5)
    assert "a full disk of pg-2" in cause.summary
    assert "See how much space is left on the volume of pg_wal of pg-2" in str(cause.steps)
    assert {step.risk for step in cause.steps} == {"look"}


def test_an_old_message_explains_nothing() -> None:
    """It may be of another failure."""
    cause = physical.first(cut_with("down", line(RECEIVER, "08006", REFUSED, at=at(-200))))
    assert cause.confidence == 0.5


def test_a_server_log_that_cannot_be_read() -> None:
    """Its file is named, and what would let it be read."""
    world = physical.pair()
    physical.run(world, 10, cut=True, positions=RETRIES, down={"server_log": ServerLog(path=PATH)})
    cause = physical.first(world)
    assert PATH in cause.summary
    assert "deploy/sql/server_log.sql" in (cause.not_seen[0].note or "")
    assert PATH in cause.fix


@pytest.mark.parametrize(("on", "process"), [("up", SENDER), ("down", RECEIVER)])
def test_no_sender_left_by_the_server_log(on: str, process: str) -> None:
    """Either end says it."""
    message = 'number of requested standby connections exceeds "max_wal_senders" (currently 1)'
    cause = physical.first(cut_with(on, line(process, "53300" if on == "up" else "08006", message)))
    assert (cause.code, cause.confidence) == ("too_many_wal_senders", 0.97)


def test_no_sender_left_by_their_number() -> None:
    """All that the setting allows are there."""
    world = physical.pair()
    physical.change(world, "pg-1", max_wal_senders="1")
    row = replace(world.servers["pg-1"].fields["downstreams"][0], name="a", slot=None, state="startup")
    physical.run(world, 10, cut=True, positions=RETRIES, up={"downstreams": (row,)})
    assert (physical.first(world).code, physical.first(world).confidence) == ("too_many_wal_senders", 0.9)


def test_a_corrupt_record() -> None:
    """The same message about the place where replay stands, again and again, in any language."""
    world = physical.pair()
    place = world.lsn
    message = "ung\u00fcltige Resource-Manager-ID 165 bei 0/10A0028"
    waits = line(STARTUP, "00000", "waiting for WAL to become available at 0/10A0028", times=9)
    lines = server_log(line(STARTUP, "00000", message, times=9), waits)
    physical.run(world, 10, cut=True, replayed=place, positions=RETRIES, down={"server_log": lines})
    assert (physical.first(world).code, physical.first(world).confidence) == ("wal_corrupt", 0.95)
    assert message in physical.first(world).summary
    assert "standby_cannot_connect" not in physical.codes(world)


@pytest.mark.parametrize("found", [("invalid record length at 0/10A0028", 1), ("invalid magic number at 7/10A0028", 9)])
def test_the_end_of_the_wal_is_not_corrupt(found: tuple[str, int]) -> None:
    """It is reported once at each start; a place elsewhere is not where replay stands."""
    lines = line(STARTUP, "00000", found[0], times=found[1])
    assert "wal_corrupt" not in physical.codes(cut_with("down", lines))


def test_wal_that_is_received_and_not_replayed_without_a_reason() -> None:
    """A guess that says where the reason is, in place of one about the network."""
    world = physical.pair()
    place = world.lsn
    got = {**RETRIES, "received_lsn": f"0/{place + 500_000:X}"}
    physical.run(world, 10, cut=True, replayed=place, positions=got)
    assert physical.codes(world) == ["wal_corrupt"]
    assert physical.first(world).confidence == 0.5
    assert {step.risk for step in physical.first(world).steps} == {"look"}


def failing_with(*lines: LogLine, **fields: Any) -> World:
    """A worker that fails, and messages of its server log."""
    world = apply.logical()
    world.servers["pg-3"].set(server_log=server_log(*lines))
    given = {"apply_errors": apply.by_two, **fields}
    apply.run(world, 12, stuck=True, **apply.GONE, **given)
    return world


@pytest.mark.parametrize(
    ("code", "means"),
    [("42501", "a right is missing"), ("0A000", "TRUNCATE"), ("23514", "check constraint"), ("P0001", "trigger")],
)
def test_a_change_that_is_refused(code: str, means: str) -> None:
    """By SQLSTATE, with the table and the position; no other cause is left."""
    found = line(WORKER, code, "Zugriff verweigert", relation="public.items", lsn="0/E0D0A0")
    world = failing_with(found)
    cause = physical.first(world)
    assert (cause.code, cause.confidence) == ("apply_refused", 0.95)
    assert means in cause.summary
    assert "public.items" in cause.summary
    assert ("finish_lsn", "0/E0D0A0") in {(each.name, each.value) for each in cause.evidence_for}
    assert "subscriber_schema_drift" not in physical.codes(world)


def test_a_missing_column_by_the_server_log() -> None:
    """Without a comparison of tables."""
    message = 'logical replication target relation "public.items" is missing replicated column: "note"'
    cause = physical.first(failing_with(line(WORKER, "55000", message)))
    assert (cause.code, cause.confidence) == ("subscriber_schema_drift", 0.97)
    assert message in cause.summary


@pytest.mark.parametrize(
    ("code", "first"),
    [("23505", "subscriber_duplicate_key"), ("42501", "apply_refused"), ("55000", "subscriber_schema_drift")],
)
def test_before_18_the_server_log_decides(code: str, first: str) -> None:
    """Conflicts are not counted there."""
    world = failing_with(line(WORKER, code, "message", relation="public.items"), conflicts={})
    assert physical.first(world).code == first
    assert physical.first(world).confidence >= 0.95


def test_a_worker_that_cannot_connect() -> None:
    """It writes so itself."""
    world = apply.logical(max_logical_replication_workers="4")
    message = "could not connect to the publisher: FATAL:  password authentication failed"
    world.servers["pg-3"].set(server_log=server_log(line(WORKER, "08006", message)))
    apply.run(world, 12, stuck=True, **apply.GONE)
    cause = physical.first(world)
    assert (cause.code, cause.confidence) == ("subscriber_cannot_connect", 0.95)
    assert message in cause.summary
    assert "CONNECTION" in cause.fix


def _no_stream() -> World:
    world = apply.logical(max_logical_replication_workers="4")
    apply.run(world, 12, stuck=True, **apply.GONE)
    return world


def _unread() -> World:
    world = physical.pair()
    place = world.lsn
    got = {**RETRIES, "received_lsn": f"0/{place + 500_000:X}"}
    physical.run(world, 10, cut=True, replayed=place, positions=got)
    return world


CATCH_ALL: Mapping[str, Callable[[], World]] = {
    "apply_refused": failing_with,
    "standby_cannot_connect": lambda: cut_with("down"),
    "subscriber_cannot_connect": _no_stream,
    "subscriber_duplicate_key": lambda: failing_with(conflicts={}),
    "subscriber_schema_drift": failing_with,
    "wal_corrupt": _unread,
}
"""Causes that are also concluded because nothing else matched, each with a situation where nothing shows the reason.
All others are claimed on evidence of their own."""


@pytest.mark.parametrize("code", sorted(CATCH_ALL))
def test_a_catch_all_is_a_guess_that_only_looks(code: str) -> None:
    """Never above one half, and with what would show the reason."""
    assert code in CAUSES
    (cause,) = [each for each in physical.causes(CATCH_ALL[code]()) if each.code == code]
    assert cause.confidence <= 0.5
    assert {step.risk for step in cause.steps} == {"look"}


def test_a_standby_that_was_down_and_cannot_connect_since() -> None:
    """That it was down is history once it runs and the failure goes on."""
    world = physical.pair()
    down = world.servers["pg-2"]
    refused = {"up": False, "error": "refused: connection refused"}
    physical.run(world, 10, cut=True, down=refused)
    assert physical.first(world).code == "standby_down"
    down.node = replace(down.node, started_at=at(20))
    physical.run(world, 10, cut=True, positions=RETRIES, down={"up": True, "error": None})
    assert physical.first(world).code == "standby_down", "it may connect yet"
    physical.run(world, 10, cut=True, positions=RETRIES)
    assert physical.codes(world) == ["standby_cannot_connect", "standby_down"]
    assert {step.risk for step in physical.causes(world)[1].steps} == {"look"}

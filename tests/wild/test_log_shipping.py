"""Standbys that are fed by the WAL archive alone."""

from collections.abc import Callable

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import GRANTS, LOGGED
from tests.wild.watching import Watching, address, watched


def shipped(fleet: Fleet) -> tuple[Server, Server]:
    """A primary that archives, and a standby that has a restore_command and no primary_conninfo."""
    archive = fleet.folder / "archive"
    archive.mkdir()
    give(archive)
    settings = {"archive_mode": "on", "archive_command": f"cp %p {archive}/%f", "archive_timeout": "2s"}
    primary = fleet.primary("pg-1", settings)
    standby = fleet.standby("pg-2", primary, slot=False, settings={"restore_command": f"cp {archive}/%f %p"})
    standby.stop()
    standby.follow("", "")
    standby.start()
    return primary, standby


@pytest.mark.situation(8, "Log shipping only", "check_pgactivity#284", "zulip PR#20276", "datadog PR#15629")
def test_a_standby_fed_by_the_archive(wild: Wild, run: Run) -> None:
    """It is a link of its own kind and is healthy; when the archive breaks, that is named."""
    with Fleet() as fleet:
        primary, standby = shipped(fleet)
        dsns = primary.dsn(user=AGENT), standby.dsn(user=AGENT)
        with Watching(*dsns, for_s=3.0) as now:
            for _ in range(4):
                write_wal(primary, segments=1)
                now.look(2)
            assert [link.kind for link in now.links] == ["archive"], now.history()
            assert not now.fired, now.history()
            result = run("check", *dsns)
            assert result.code == 0, result.out
            standby.configure(restore_command="false")
            wild.begins()
            write_wal(primary, segments=3)
            now.until("the cause", lambda: now.cause("archive_broken_for_standby"), 90.0)
            cause = now.cause("archive_broken_for_standby")
            assert cause is not None
            assert f"restore_command on {address(standby)} fails, or the archive lacks " in cause.summary
            wild.answers(cause.summary)


@pytest.mark.situation(8, "Streaming and restore_command", "check_pgactivity#284")
def test_a_standby_that_streams_has_a_streaming_link(wild: Wild, run: Run) -> None:
    """The archive is its second source only."""
    with Fleet() as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary, settings={"restore_command": "false"})
        fleet.wait_caught_up()
        eventually("it streams", lambda: bool(primary.query("SELECT 1 FROM pg_stat_replication")))
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert result.code == 0, result.out
        assert "physical" in result.out
    wild.raises_nothing()


def hold_snapshot(primary: Server, standby: Server, dump: psycopg.Connection) -> None:
    dump.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t")
    primary.execute("DELETE FROM t", "VACUUM t")


def hold_lock(primary: Server, standby: Server, dump: psycopg.Connection) -> None:
    dump.execute("BEGIN; SELECT count(*) FROM t")
    primary.execute("TRUNCATE t")


def pause(primary: Server, standby: Server, dump: psycopg.Connection) -> None:
    standby.execute("SELECT pg_wal_replay_pause()")


def raise_parameter(primary: Server, standby: Server, dump: psycopg.Connection) -> None:
    primary.configure(max_connections="300")
    primary.restart()


def hang_command(primary: Server, standby: Server, dump: psycopg.Connection) -> None:
    standby.configure(restore_command="sleep 600")


HAS_RIGHT = "SELECT to_regprocedure('leadline.server_log(text, integer)') IS NOT NULL"
SOURCES = (
    "trainline-eu/ansible-postgresql-role#19",
    "ministryofjustice/modernisation-platform-environments#11837",
    "zalando/spilo#723",
)


@pytest.mark.situation(1101, "Replay of WAL from the archive stands, and the archive works", *SOURCES)
@pytest.mark.parametrize(
    ("stop", "code", "says"),
    [
        pytest.param(
            hold_snapshot, "standby_query_blocks_replay", "max_standby_archive_delay = -1", marks=pytest.mark.quick
        ),
        (hold_lock, "standby_query_blocks_replay", "max_standby_archive_delay = -1"),
        (pause, "replay_paused_by_operator", "pg_wal_replay_pause()"),
        (raise_parameter, "replay_paused_by_parameter", "resuming replay would shut"),
        (hang_command, "restore_command_hangs", "it is fed by the WAL archive alone"),
    ],
    ids=["snapshot", "lock", "paused", "parameter", "hanging-command"],
)
@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
def test_replay_that_stands_while_the_archive_works(
    wild: Wild, run: Run, stop: Callable[..., None], code: str, says: str, late: bool
) -> None:
    """No cause is the archive, which works. The setting is the one for the archive."""
    with Fleet() as fleet:
        primary, standby = shipped(fleet)
        standby.configure(max_standby_archive_delay="-1")
        primary.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
        eventually("it has the table", lambda: bool(standby.query("SELECT 1 FROM pg_class WHERE relname = 't'")), 60)
        with psycopg.connect(standby.dsn(user="postgres", application_name="pg_dump"), autocommit=True) as dump:
            if late:
                stop(primary, standby, dump)
                write_wal(primary, segments=3)
            wild.begins()
            with watched([primary, standby]) as seen:
                if not late:
                    stop(primary, standby, dump)
                    wild.begins()
                    write_wal(primary, segments=3)
                cause = seen.names(code, 90.0)
                assert says in cause.summary
                wild.answers(cause.summary)
                assert "archive_broken_for_standby" not in seen.ever_first(), seen.history()
            if code != "restore_command_hangs":
                result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
                assert says in result.out, result.out


@pytest.mark.situation(
    1102, "Standbys stream from one that the archive feeds", "zalando/postgres-operator#2455", "zalando/spilo#723"
)
def test_standbys_below_one_that_the_archive_feeds(wild: Wild) -> None:
    """They have all that it has: what its primary wrote since is no lag of theirs, and no network is slow."""
    with Fleet() as fleet:
        primary, standby = shipped(fleet)
        below = fleet.standby("pg-3", standby)
        standby.configure(restore_command=f"sleep 1; cp {fleet.folder}/archive/%f %p")
        with Watching(*(each.dsn(user=AGENT) for each in (primary, standby, below)), for_s=3.0) as now:
            for _ in range(20):
                write_wal(primary, segments=2)
                now.look()
            assert sorted(link.kind for link in now.links) == ["archive", "physical"]
            assert {link.verdict for link in now.links} == {"delayed_by_design"}, now.history()
            assert not now.fired, now.history()
    wild.raises_nothing()


@pytest.mark.parametrize("readable", [True, False], ids=["server-log-read", "not-read"])
@pytest.mark.situation(
    1103,
    "A WAL file in the archive is damaged",
    "pgbackrest/pgbackrest#842",
    "pgbackrest/pgbackrest#1052",
    "wal-g/wal-g#63",
)
def test_a_damaged_file_in_the_archive(wild: Wild, run: Run, readable: bool) -> None:
    """The command succeeds. The file is named; that it is damaged is certain only where the server log has it."""
    with Fleet() as fleet:
        primary, standby = shipped(fleet)
        if readable:
            primary.execute(GRANTS)
            write_wal(primary, segments=1)
            standby.configure(**LOGGED)
            standby.restart()
            eventually("it has the right", lambda: standby.value(HAS_RIGHT), 60)
        archive = fleet.folder / "archive"
        standby.configure(restore_command="false")
        before = set(archive.iterdir())
        write_wal(primary, segments=3)
        eventually("they are archived", lambda: len(set(archive.iterdir()) - before) >= 3, 60)
        damaged = min(set(archive.iterdir()) - before)
        damaged.write_bytes(damaged.read_bytes()[:8192] + bytes(8192) + damaged.read_bytes()[16384:])
        standby.configure(restore_command=f"cp {archive}/%f %p")
        wild.begins()
        with watched([primary, standby], settled=False) as seen:
            write_wal(primary, segments=2)
            cause = seen.names("wal_corrupt" if readable else "archive_broken_for_standby", 90.0)
            assert damaged.name in cause.summary
            assert readable or "or has it damaged" in cause.summary
            wild.answers(cause.summary)

"""Standbys that are fed by the WAL archive alone."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.wait import eventually
from leadline_lab.sandbox.workload import write_wal
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import Watching


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
            assert "restore_command fails" in cause.summary
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

"""Standbys that all look well and get nothing from a primary, or stop at a recovery target."""

from collections.abc import Iterator

import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import watched

KEEP = {"wal_keep_size": "64MB"}


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    fleet = Fleet(plain=True, slots=False)
    yield fleet
    fleet.close()


def pair(fleet: Fleet) -> tuple[Server, Server]:
    """A primary with a table and its standby, with the names that people have: none."""
    primary = fleet.primary("pg-1", KEEP)
    primary.query("CREATE TABLE t (n int)")
    standby = fleet.standby("pg-2", primary, settings=KEEP)
    fleet.wait_caught_up()
    return primary, standby


@pytest.mark.situation(
    101,
    "A recovery target was left on a standby",
    "patroni/patroni#2569",
    "EnterpriseDB/repmgr#677",
)
@pytest.mark.parametrize("late", [False, True])
def test_a_standby_at_its_recovery_target(wild: Wild, run: Run, fleet: Fleet, late: bool) -> None:
    """Resuming replay there promotes the standby, so that is no step, neither of watch nor of check."""
    primary, standby = pair(fleet)

    def restored() -> None:
        standby.stop()
        primary.query("INSERT INTO t SELECT generate_series(1, 1000)")
        target = primary.value("SELECT pg_current_wal_lsn()::text")
        primary.query("INSERT INTO t SELECT generate_series(1, 1000)")
        standby.configure_files({**KEEP, "cluster_name": "", "recovery_target_lsn": target})
        standby.start()

    if late:
        restored()
    with watched([primary, standby], settled=not late) as seen:
        wild.begins()
        if not late:
            restored()
        cause = seen.names("recovery_target_reached", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert "promotes" in cause.summary
        assert "pg_wal_replay_resume" not in str(seen.causes())
    result = run("check", primary.dsn(user="leadline"), standby.dsn(user="leadline"))
    assert result.code == 1
    assert "pg_wal_replay_resume" not in result.out
    assert "recovery_target_lsn" in result.out


@pytest.mark.situation(
    102, "Two standbys follow each other after a failover", "EnterpriseDB/repmgr#195", "EnterpriseDB/repmgr#588"
)
def test_standbys_that_follow_each_other(wild: Wild, run: Run, fleet: Fleet) -> None:
    """Both stream, and the primary goes on without them."""
    primary, standby = pair(fleet)
    leaf = fleet.standby("pg-3", standby, settings=KEEP)
    fleet.wait_caught_up()
    dsns = [server.dsn(user="leadline") for server in (primary, standby, leaf)]
    with watched([primary, standby, leaf], settled=True) as seen:
        wild.begins()
        standby.configure(primary_conninfo=leaf.dsn(user=REPLICATOR))
        primary.query("INSERT INTO t SELECT generate_series(1, 1000)")
        cause = seen.names("standbys_follow_each_other", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert f"127.0.0.1:{primary.port}, which takes writes" in str(cause.steps)
    result = run("check", *dsns)
    assert result.code == 1
    assert "none of them gets changes from a primary" in result.out


@pytest.mark.situation(103, "primary_conninfo of a standby points to the standby itself", "EnterpriseDB/repmgr#649")
def test_a_standby_that_follows_itself(wild: Wild, run: Run, fleet: Fleet) -> None:
    """A wrong address, and not one that leads nowhere."""
    primary, standby = pair(fleet)
    standby.configure(primary_conninfo=standby.dsn(user=REPLICATOR))
    primary.query("INSERT INTO t SELECT generate_series(1, 1000)")
    with watched([primary, standby], settled=False) as seen:
        wild.begins()
        cause = seen.names("standbys_follow_each_other", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert cause.summary.startswith(f"127.0.0.1:{standby.port} follows itself")
    result = run("check", primary.dsn(user="leadline"), standby.dsn(user="leadline"))
    assert result.code == 1
    assert "follows itself" in result.out


@pytest.mark.situation(
    104,
    "A standby started without standby.signal",
    "EnterpriseDB/repmgr#556",
    "multigres/multigres#1287",
)
def test_a_standby_that_started_as_a_primary(wild: Wild, fleet: Fleet) -> None:
    """Two writers on one timeline, for which pg_rewind would find nothing to do."""
    primary, standby = pair(fleet)
    with watched([primary, standby], settled=True) as seen:
        wild.begins()
        standby.stop()
        (standby.data / "standby.signal").unlink()
        standby.start()
        cause = seen.names("two_writers", 30.0, above=0.9)
        wild.answers(cause.summary)
        assert "without its standby.signal" in cause.summary
        assert "none of them was promoted" in cause.summary
        assert "and pg_rewind it" not in str(cause.steps)

"""Archives that keep nothing, and archivers that neither succeed nor fail."""

import pytest

from leadline_agents.engines.postgresql import instance
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_streams.engines.postgresql import archive
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import watched

FILLED = "SELECT pg_logical_emit_message(true, 'leadline', 'x'), pg_switch_wal()"


@pytest.mark.quick
@pytest.mark.situation(
    901, "archive_command is /bin/true", "pgbackrest/pgbackrest#524", "pgbackrest/pgbackrest#2456", "wal-g/wal-g#782"
)
def test_a_command_that_keeps_nothing(wild: Wild, run: Run) -> None:
    """Every segment counts as archived. It may be meant, so nobody is woken, and check is content."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"archive_mode": "on", "archive_command": "/bin/true"})
        standby = fleet.standby("pg-2", primary)
        primary.query(FILLED)
        wild.begins()
        with watched([primary, standby]) as seen:
            cause = seen.names("archive_not_kept")
            wild.answers(cause.summary)
            assert {step.risk for step in cause.steps} == {"look"}
            assert seen.fired == {"archive_not_kept"}
            assert not seen.incidents()
        result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
        assert result.code == 0, result.out
        assert "no backup can be restored" in result.out


@pytest.mark.situation(
    902, "archive_command hangs", "wal-g/wal-g#358", "pgbackrest/pgbackrest#1695", "tryethernal/ethernal#1351"
)
def test_an_archiver_that_hangs(wild: Wild, monkeypatch: pytest.MonkeyPatch) -> None:
    """No failure is counted. The time after which it counts as hanging is compressed, and so are looks at the files."""
    monkeypatch.setattr(instance, "FILES_EVERY_S", 2.0)
    monkeypatch.setattr(archive, "HANGS_S", 5.0)
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"archive_mode": "on", "archive_command": "sleep 900"})
        standby = fleet.standby("pg-2", primary)
        primary.query(FILLED)
        wild.begins()
        with watched([primary, standby]) as seen:
            cause = seen.names("archiver_failing", 30.0)
            wild.answers(cause.summary)
            assert "has neither succeeded nor failed" in cause.summary
            assert {step.risk for step in cause.steps} == {"look", "careful"}


@pytest.mark.situation(902, "An archive to which nothing is to be sent", "tryethernal/ethernal#1351")
def test_an_idle_archive(wild: Wild, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last segment was archived long ago, and none waits."""
    monkeypatch.setattr(instance, "FILES_EVERY_S", 2.0)
    monkeypatch.setattr(archive, "HANGS_S", 2.0)
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"archive_mode": "on", "archive_command": "test -r %p"})
        standby = fleet.standby("pg-2", primary)
        primary.query(FILLED)
        with watched([primary, standby], settled=True) as seen:
            seen.quiet(12.0)
    wild.raises_nothing()

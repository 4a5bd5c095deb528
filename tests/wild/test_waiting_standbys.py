"""Standbys that wait for their archive or admit nobody, and slots that the server will end."""

import pytest

from leadline_lab.faults.physical.refusals import start_without_waiting
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import address, watched

END_STREAMING = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication"


@pytest.mark.situation(
    904,
    "restore_command hangs after the stream was lost",
    "cloudnative-pg/cloudnative-pg#10419",
    "patroni/patroni#1747",
    "pgbackrest/pgbackrest#1046",
)
@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
def test_a_restore_command_that_hangs(wild: Wild, run: Run, late: bool) -> None:
    """The network is in order: the standby does not try it before the command has ended."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1", {"wal_keep_size": "256MB"})
        standby = fleet.standby("pg-2", primary)
        standby.configure(restore_command="sleep 600")
        with writing(primary):
            if late:
                primary.query(END_STREAMING)
            wild.begins()
            with watched([primary, standby], settled=not late) as seen:
                if not late:
                    wild.begins()
                    primary.query(END_STREAMING)
                cause = seen.names("restore_command_hangs", 30.0)
                wild.answers(cause.summary)
                assert "Do not end it by a signal" in str(cause.steps)
            result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
            assert "has waited for restore_command" in result.out, result.out


@pytest.mark.quick
@pytest.mark.situation(905, "A standby with hot_standby = off", "patroni/patroni#1378", "EnterpriseDB/repmgr#694")
def test_a_standby_that_admits_nobody(wild: Wild) -> None:
    """It neither starts nor stops, and nobody waits for it; its primary shows that it streams."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        standby.stop()
        with (standby.data / "postgresql.auto.conf").open("a") as settings:
            settings.write("\nhot_standby = off\n")
        start_without_waiting(standby)
        wild.begins()
        with watched([primary, standby]) as seen:
            cause = seen.names("server_not_ready")
            wild.answers(cause.summary)
            assert f"{address(standby)} is in recovery with hot_standby = off" in cause.summary
            assert "hot_standby = on" in str(cause.steps)


@pytest.mark.situation(
    906,
    "PostgreSQL 18 will invalidate the slot of a standby that is stopped",
    "powersync-ja/powersync-service#554",
    "osamaninox/trail-replay#64",
    "pgsty/pigsty#704",
)
def test_a_slot_before_its_timeout(wild: Wild) -> None:
    """The limit is the server's own: half of it, long before the five minutes of slot_inactive."""
    with Fleet(plain=True) as fleet:
        primary = fleet.primary("pg-1", {"idle_replication_slot_timeout": "30s"})
        standby = fleet.standby("pg-2", primary)
        standby.stop()
        wild.begins()
        with watched([primary], rules={"slot_inactive": {"for_s": 300.0}}) as seen:
            fired = seen.fires("slot_idle_timeout", 40.0)
            wild.answers(fired.summary)
            assert not primary.value("SELECT invalidation_reason FROM pg_replication_slots")
            assert {step.risk for cause in seen.causes() for step in cause.steps} <= {"look"}

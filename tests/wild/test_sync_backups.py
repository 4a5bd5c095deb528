"""A program that receives WAL for backups, in the place of a synchronous standby."""

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.workload import writing
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_backup_streams import receiving
from tests.wild.watching import address, watched

BARMAN = "barman_receive_wal"


@pytest.mark.parametrize("names", ["*", f"{BARMAN}, walreceiver", f"ANY 2 ({BARMAN}, walreceiver)"])
@pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
@pytest.mark.situation(
    1014,
    "A backup program counts as the synchronous standby",
    "EnterpriseDB/barman#214",
    "EnterpriseDB/barman#130",
    "kartoza/docker-postgis#299",
)
def test_commits_wait_for_a_backup(wild: Wild, run: Run, names: str, late: bool) -> None:
    """As many standbys as are asked for are connected, and commits wait until a segment is full."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        primary.query("SELECT pg_create_physical_replication_slot('barman', true)")
        with receiving(primary, "--slot", "barman", name=BARMAN):
            standby = fleet.standby("pg-2", primary)
            fleet.wait_caught_up()
            if late:
                primary.configure(synchronous_standby_names=names)
            with writing(primary):
                wild.begins()
                with watched([primary, standby], settled=False) as seen:
                    if not late:
                        seen.until(
                            "its settings are known", lambda: all(n.settings for n in seen.state.memory.nodes.values())
                        )
                        seen.look(3)
                        primary.configure(synchronous_standby_names=names)
                        wild.begins()
                    cause = seen.names("sync_standby_missing", 40.0, above=0.9)
                    wild.answers(cause.summary)
                    assert cause.summary.startswith(f"{BARMAN} counts as a synchronous standby of {address(primary)}")
                    assert "--synchronous" in str(cause.steps)
                    assert not any("synchronous_standby_names = ''" in (step.sql or "") for step in cause.steps)
                result = run("check", primary.dsn(user=AGENT), standby.dsn(user=AGENT))
                assert f"{BARMAN} counts as a synchronous standby" in result.out, result.out

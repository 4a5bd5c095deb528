"""Reports of others about false or missed findings, on real servers: none of it is above info here.

The source of each report stands with its test. ``tests/unit/streams/audit/test_outside.py`` has others.
"""

import signal
from functools import partial
from typing import Any

import pytest

from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import GOOD, good_pair
from tests.fixtures.audits import above_info, findings
from tests.fixtures.commands import Run

pytestmark = pytest.mark.timeout(180)


def test_a_role_without_rights(run: Run) -> None:
    """Nothing is found by what it does not see, and what it does not see is listed, the link too.

    https://github.com/prometheus-community/postgres_exporter/issues/1273
    """
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.servers["pg-1"].execute(f"REVOKE pg_monitor FROM {AGENT}")
        fleet.servers["pg-1"].configure(synchronous_standby_names='ANY 1 ("pg-2", gone)')
        fleet.wait_caught_up()
        given = [f"{server.name}={server.dsn(user=AGENT)}" for server in fleet.servers.values()]
        result = run("audit", *given)
        assert result.code == 0, result.out
        text = " ".join(result.out.split())
        assert "GRANT pg_monitor TO leadline" in text
        assert "the server that pg-2 follows was not seen among those given" in text
        assert "PG-SYNC-001" in text.partition("NOT JUDGED")[2]
        assert run("switchover-check", *given).code == 3
        assert run("promote-check", *reversed(given)).code == 3


def test_a_quorum_a_cascade_and_a_receiver(run: Run) -> None:
    """ANY 1 of two, of which one may stop; the standby of a standby; an archive that pg_receivewal fills, as barman's.

    https://github.com/patroni/patroni/pull/2668, https://github.com/EnterpriseDB/barman/pull/720,
    https://github.com/patroni/patroni/pull/3079
    """
    with Fleet() as fleet:
        good_pair(fleet)
        primary, second = fleet.servers["pg-1"], fleet.servers["pg-2"]
        third = fleet.standby("pg-3", primary, settings=GOOD)
        fleet.standby("pg-4", second, settings={**GOOD, "synchronous_standby_names": "ignored_here"})
        second.configure(restore_command="false")
        archive = fleet.folder / "archive"
        archive.mkdir()
        archive.chmod(0o777)
        receiver = primary.launch(
            *("pg_receivewal", "-D", archive, "--dbname", primary.address(user=REPLICATOR)), farewell=signal.SIGTERM
        )
        names = "SELECT application_name FROM pg_stat_replication"
        eventually("the receiver is connected", lambda: ("pg_receivewal",) in primary.query(names))
        primary.configure(synchronous_standby_names='ANY 1 ("pg-2", "pg-3")')
        fleet.wait_caught_up()
        found = findings(run, fleet)
        assert above_info(found) == set()
        assert "PG-ARC-006" not in found
        third.stop()
        eventually("pg-3 is gone", lambda: ("pg-3",) not in primary.query(names))
        assert above_info(findings(run, fleet)) == {"PG-SYNC-002"}
        receiver.communicate()


def test_settings_that_are_not_the_servers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the role that reads hide the server's. Where a container's command line has a setting, the file waits
    for no restart: https://github.com/patroni/patroni/issues/2027.
    """
    with Fleet() as fleet:
        server = fleet.primary("pg-1", GOOD)
        server.stop()
        started: Any = server.launch
        monkeypatch.setattr(server, "launch", partial(_with_option, started, "max_connections=60"))
        server.start()
        server.execute(
            f"ALTER ROLE {AGENT} SET synchronous_commit = off", "ALTER DATABASE postgres SET wal_compression = on"
        )
        server.query("SELECT pg_reload_conf()")
        waits = "SELECT source FROM pg_settings WHERE name = 'max_connections' AND pending_restart"
        eventually("the server calls it pending", lambda: server.query(waits) == [("command line",)])
        result = run("audit", f"pg-1={server.dsn(user=AGENT)}")
        assert "PG-CFG-001" not in result.out
        assert "PG-DUR-005: pg-1: synchronous_commit is set for the role or database of" in " ".join(result.out.split())
        server.configure(max_worker_processes="12")
        assert "PG-CFG-001" in findings(run, fleet)


def _with_option(started: Any, option: str, *arguments: Any, **named: Any) -> Any:
    return started(*arguments, "-c", option, **named)


def test_storage_that_is_not_the_servers(run: Run) -> None:
    """Aurora turns full_page_writes off, as its pages are not torn, and its readers follow nothing by a setting.

    https://github.com/erikdarlingdata/PerformanceMonitor/pull/3669
    """
    aurora = {**GOOD, "rds.extensions": "aurora_stat_utils", "full_page_writes": "off", "wal_level": "replica"}
    with Fleet() as fleet:
        writer = fleet.primary("pg-1", aurora)
        reader = fleet.standby("pg-2", writer, slot=False, settings=aurora)
        reader.stop()
        reader.follow("", "")
        reader.start()
        assert above_info(findings(run, fleet)) == set()

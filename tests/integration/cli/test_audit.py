"""`leadline audit` over real servers: what is set up wrong is found, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import GOOD, good_logical, good_pair
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import MAJORS, binaries_for

BLIND = {"PG-CFG-002", "PG-PAR-011", "PG-SEC-003", "PG-SEC-007"}
"""Rules about what pg_monitor may not read."""
VERSIONS = ("PG-VER", "PG-ADV")
SHOWS = (
    "GRANT SELECT ON pg_hba_file_rules, pg_file_settings TO leadline",
    "GRANT EXECUTE ON FUNCTION pg_hba_file_rules(), pg_show_all_file_settings() TO leadline",
)


def dsns(fleet: Fleet, database: str = "postgres") -> list[str]:
    return [f"{server.name}={server.dsn(database, AGENT)}" for server in fleet.servers.values()]


def found(run: Run, *arguments: str) -> tuple[dict[str, set[str]], set[str]]:
    """The rules that find something, by severity, and those that could not be judged; without those about versions."""
    result = run("audit", *arguments, "--format", "json")
    rows = [json.loads(line) for line in result.out.splitlines()]
    by_severity: dict[str, set[str]] = {"critical": set(), "warning": set(), "info": set()}
    for row in rows:
        if row["kind"] == "finding" and not row["rule"].startswith(VERSIONS):
            by_severity[row["severity"]].add(row["rule"])
    return by_severity, {row["rule"] for row in rows if row["kind"] == "not_judged"} - {"PG-VER-002"}


@pytest.mark.parametrize("major", MAJORS, ids="postgresql-{}".format)
def test_rightly_configured_servers_have_nothing_above_info(run: Run, major: int) -> None:
    """A pair, and a publisher with its subscriber, of every version."""
    for make, database in ((good_pair, "postgres"), (good_logical, "app")):
        with Fleet(binaries_for(major)) as fleet:
            make(fleet)
            rules, unseen = found(run, *dsns(fleet, database))
        assert (rules["critical"], rules["warning"]) == (set(), set())
        assert unseen <= BLIND


PLAIN = {"warning": {"PG-WAL-004"}, "info": {"PG-SBY-012", "PG-SBY-013"}}


@pytest.mark.parametrize("major", MAJORS, ids="postgresql-{}".format)
def test_plain_servers_have_what_truly_bites(run: Run, major: int) -> None:
    """initdb and pg_basebackup -R, without names and slots: nothing keeps WAL for the standby."""
    plain = {"cluster_name": "", "fsync": "on"}
    with Fleet(binaries_for(major), plain=True, slots=False) as fleet:
        fleet.standby("pg-2", fleet.primary("pg-1", plain), settings=plain)
        fleet.wait_caught_up()
        rules, _ = found(run, *dsns(fleet))
    assert (rules["critical"], rules["warning"]) == (set(), PLAIN["warning"])
    assert rules["info"] >= PLAIN["info"]


@pytest.fixture
def shown() -> Iterator[Fleet]:
    """A pair whose agent may read pg_hba.conf and the configuration files."""
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.servers["pg-1"].execute(*SHOWS)
        fleet.wait_caught_up()
        yield fleet


def write_and_load(server: Server, name: str, value: str) -> None:
    """Add a line to the configuration file, which the server does not take, and let it read the file."""
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(f"{name} = {value}\n")
    loaded = server.value("SELECT pg_conf_load_time()")
    server.query("SELECT pg_reload_conf()")
    waits = "SELECT 1 FROM pg_settings WHERE name = %s AND pending_restart"
    refused = "SELECT 1 FROM pg_file_settings WHERE name = %s AND error IS NOT NULL"
    eventually(
        f"{server.name} has read its file",
        lambda: bool(
            server.value("SELECT pg_conf_load_time() > %s", [loaded])
            or server.query(waits, [name])
            or server.query(refused, [name])
        ),
    )


WRONG_PRIMARY = {
    "synchronous_standby_names": "gone",
    "max_slot_wal_keep_size": "-1",
    "wal_sender_timeout": "0",
    "full_page_writes": "off",
    "archive_mode": "on",
    "archive_command": "",
    "ignore_checksum_failure": "on",
    "idle_replication_slot_timeout": "10min",
    "max_wal_senders": "12",
    "shared_preload_libraries": "auto_explain",
    "synchronized_standby_slots": "pg_9",
    "data_sync_retry": "on",
}
WRONG_STANDBY = {
    "max_standby_streaming_delay": "-1",
    "max_standby_archive_delay": "-1",
    "restore_command": "false",
    "recovery_min_apply_delay": "1s",
    "wal_receiver_status_interval": "0",
    "wal_receiver_timeout": "0",
    "recovery_target_timeline": "current",
    "recovery_target_time": "2099-01-01 00:00:00+00",
    "synchronous_standby_names": '"pg-2"',
    "wal_level": "replica",
    "sync_replication_slots": "on",
    "hot_standby_feedback": "off",
    "wal_keep_size": "64MB",
    "password_encryption": "md5",
    "fsync": "off",
}
WRONG = {
    "critical": {"PG-DUR-001", "PG-DUR-002", "PG-DUR-007", "PG-SYNC-001", "PG-ARC-002", "PG-PAR-001", "PG-SEC-003"},
    "warning": {
        *("PG-SBY-001", "PG-SBY-003", "PG-SBY-005", "PG-SBY-008", "PG-SBY-009", "PG-SBY-010", "PG-SBY-011"),
        *("PG-SBY-015", "PG-SBY-006", "PG-WAL-002", "PG-WAL-009", "PG-WAL-010", "PG-ARC-004", "PG-SYNC-007"),
        *("PG-PAR-002", "PG-PAR-006", "PG-DUR-009", "PG-LOG-003", "PG-CFG-001", "PG-CFG-002", "PG-SEC-004"),
        *("PG-SEC-007", "PG-PAR-011"),
    },
}  # fmt: skip


def test_a_pair_that_is_set_up_wrong_in_many_ways(run: Run, shown: Fleet) -> None:
    """All of it is found, at once, and nothing else; when it is repaired, all of it is gone."""
    primary, standby = shown.servers["pg-1"], shown.servers["pg-2"]
    rules, unseen = found(run, *dsns(shown))
    assert (rules["critical"], rules["warning"], unseen) == (set(), set(), set())

    hba = (primary.data / "pg_hba.conf").read_text()
    config = (primary.data / "postgresql.conf").read_text()
    standby.stop()
    for server, wrong in ((primary, WRONG_PRIMARY), (standby, WRONG_STANDBY)):
        server.configure_files({**GOOD, **wrong})
    standby.start()
    primary.execute("ALTER ROLE replicator VALID UNTIL 'tomorrow'")
    primary.restart()
    (primary.data / "pg_hba.conf").write_text("host replication all 10.0.0.0/8 trust\n" + hba + "host all all\n")
    primary.query("SELECT pg_reload_conf()")
    write_and_load(primary, "max_connections", "60")
    write_and_load(primary, "wal_levle", "replica")  # from now on, nothing of the file is taken
    eventually("the standby is connected", lambda: bool(primary.query("SELECT 1 FROM pg_stat_replication")))
    # Its max_wal_senders is too low.
    eventually("replay is paused", lambda: standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")

    rules, unseen = found(run, *dsns(shown))
    assert (rules["critical"], rules["warning"]) == (WRONG["critical"], WRONG["warning"])
    assert sum(map(len, WRONG.values())) >= 25

    (primary.data / "postgresql.conf").write_text(config)
    (primary.data / "pg_hba.conf").write_text(hba)
    primary.restart()
    primary.execute("ALTER ROLE replicator VALID UNTIL 'infinity'")
    standby.stop()
    # It refuses to start with less until it has replayed that the primary has less again.
    standby.configure_files({**GOOD, "max_wal_senders": "12"})
    standby.start()
    shown.wait_caught_up()
    standby.configure_files(GOOD)
    standby.restart()
    shown.wait_caught_up()
    rules, unseen = found(run, *dsns(shown))
    assert (rules["critical"], rules["warning"], unseen) == (set(), set(), set())


def test_the_misconfiguration_of_the_outage_is_found_before_any_lag(run: Run) -> None:
    """The standby is caught up and healthy; the audit names the setting, its file and the statement."""
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.servers["pg-2"].configure(max_standby_streaming_delay="-1")
        result = run("audit", *dsns(fleet))
        assert result.code == 1
        assert "PG-SBY-001  Queries on a standby may stop replay for ever" in result.out
        assert "read: max_standby_streaming_delay = -1 (unlimited) on pg-2" in result.out
        assert "postgresql.auto.conf" in result.out
        assert "ALTER SYSTEM SET max_standby_streaming_delay = '30s';" in result.out
        assert run("audit", *dsns(fleet), "--fail-on", "critical").code == 0
        assert run("audit", *dsns(fleet), "--fail-on", "never").code == 0
        fleet.servers["pg-2"].configure(max_standby_streaming_delay=None)
        assert run("audit", *dsns(fleet), "--format", "json").code == 0


def test_a_server_that_cannot_be_read_is_no_success(run: Run) -> None:
    """The other one is judged, the exit code is 3, and the report names it."""
    with Fleet() as fleet:
        good_pair(fleet)
        given = dsns(fleet)
        fleet.servers["pg-2"].stop()
        result = run("audit", *given)
    assert result.code == 3
    assert "pg-2 was not read: " in result.out
    assert "not read" in result.err


def test_a_database_that_was_not_read_is_listed(run: Run) -> None:
    """A publisher that is read in another database than its publication: its tables are not judged."""
    with Fleet() as fleet:
        good_logical(fleet)
        _, unseen = found(run, *dsns(fleet, "postgres"))
        assert {"PG-LOG-001", "PG-LOG-012", "PG-LOG-013", "PG-LOG-014"} <= unseen
        assert "dbname=app shows them" in " ".join(run("audit", *dsns(fleet, "postgres")).out.split())


def test_accepted_findings_and_what_changed(run: Run, tmp_path: Path) -> None:
    """A finding that somebody answers for is no failure until its day; --since names what is new and repaired."""
    accepted = tmp_path / "stream.yaml"
    accepted.write_text(
        "audit:\n  accepted:\n"
        '    - {rule: PG-SBY-005, subject: main/pg-2, owner: ada, reason: kept behind, until: "2999-01-01"}\n'
    )
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.servers["pg-2"].configure(recovery_min_apply_delay="1s", wal_receiver_timeout="0")
        assert run("audit", *dsns(fleet)).code == 1
        before = run("audit", *dsns(fleet), "--config", accepted, "--format", "json")
        (tmp_path / "before.json").write_text(before.out)
        fleet.servers["pg-2"].configure(wal_receiver_timeout=None)
        fleet.servers["pg-1"].configure(wal_sender_timeout="0")
        after = run("audit", *dsns(fleet), "--config", accepted, "--since", tmp_path / "before.json")
    assert after.code == 1
    assert "by ada until 2999-01-01: kept behind" in after.out
    assert "  new       PG-WAL-010" in after.out
    assert "  repaired  PG-SBY-009" in after.out

"""Audit rules on real servers: many settings are wrong at once, all are found, and repaired they are gone.

``test_audit.py`` and ``test_audit_logical.py`` have others; ``tests/unit/streams/audit/test_coverage.py`` has the rules
for which no server can be brought to its violation here, each with the reason.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leadline_lab.faults.topologies import DATABASE
from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.process import give
from leadline_lab.sandbox.server_files import SUPERUSER
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import GOOD, good_logical, good_pair
from tests.fixtures.audits import above_info, findings
from tests.fixtures.certificates import Authority
from tests.fixtures.commands import Run
from tests.fixtures.postgres_versions import binaries_for

pytestmark = pytest.mark.timeout(240)

ALONE = {
    *("PG-SEC-002", "PG-SEC-006", "PG-DUR-005", "PG-WAL-001", "PG-WAL-003", "PG-WAL-008", "PG-WAL-011"),
    *("PG-WAL-012", "PG-LOG-011", "PG-ARC-001"),
}  # fmt: skip
ARCHIVE = {"PG-ARC-003", "PG-ARC-005"}
STANDBYS = {
    *("PG-SYNC-004", "PG-SYNC-006", "PG-SEC-001", "PG-SBY-002", "PG-SBY-012", "PG-SBY-014", "PG-DUR-006", "PG-WAL-004"),
    *("PG-WAL-007", "PG-PAR-007", "PG-PAR-010", "PG-PAR-011", "PG-ARC-006"),
}  # fmt: skip
SYNCHRONOUS = {"PG-SYNC-002", "PG-SYNC-005", "PG-CLU-006"}
SHAPE = {"PG-SBY-007", "PG-CLU-001", "PG-CLU-005"}
LOGICAL = {
    *("PG-LOG-002", "PG-LOG-008", "PG-LOG-010", "PG-LOG-015", "PG-CLU-007", "PG-SYNC-003", "PG-SBY-004", "PG-PAR-009"),
    "PG-WAL-013",
}  # fmt: skip
OLD = {"PG-DUR-003", "PG-DUR-004", "PG-DUR-008", "PG-DUR-011", "PG-WAL-005", "PG-SEC-008"}


def archiver(server: Server, column: str) -> int:
    return int(server.value(f"SELECT {column} FROM pg_stat_archiver"))


def certificate(server: Server, folder: Path) -> None:
    """A certificate that the server can read."""
    for source, name in zip(Authority(folder).certificate("pg"), ("server.crt", "server.key"), strict=True):
        file = server.data / name
        file.write_bytes(source.read_bytes())
        file.chmod(0o600)
        give(file)


def test_a_server_alone(run: Run) -> None:
    """Commits, slots, senders, passwords, and an archive that fails, keeps nothing, or is late."""
    wrong = {
        **{"wal_level": "replica", "synchronous_commit": "off", "password_encryption": "md5"},
        **{"wal_sender_timeout": "5s", "max_slot_wal_keep_size": "1MB"},
        **{"max_replication_slots": "1", "archive_mode": "on", "archive_command": "false", "fsync": "on"},
    }
    with Fleet() as fleet:
        server = fleet.primary("pg-1", GOOD)
        assert above_info(findings(run, fleet)) == set()
        server.stop()
        server.configure_files(wrong)
        server.start()
        server.execute(
            "CREATE PUBLICATION all_of_it FOR ALL TABLES",
            "SELECT pg_replication_origin_create('of_a_subscription')",
            "UPDATE pg_replication_origin SET roname = 'pg_99999'",
            "SELECT pg_create_physical_replication_slot('left_behind', true)",
        )
        for _ in range(4):
            server.query("CREATE TABLE more (); DROP TABLE more; SELECT pg_switch_wal()")
        server.query("CHECKPOINT")
        eventually("archiving failed", lambda: archiver(server, "failed_count") > 0)
        assert set(findings(run, fleet, user=SUPERUSER)) == ALONE

        status = server.data / "pg_wal" / "archive_status"
        waiting = [status / f"00000001000000FF{number:08X}.ready" for number in range(150)]
        for file in waiting:
            file.touch()
            give(file)
        server.configure(archive_command="sleep 1")
        server.query("SELECT pg_switch_wal()")
        eventually("a segment is archived", lambda: archiver(server, "archived_count") > 0)
        assert "PG-ARC-005" in findings(run, fleet)
        for file in waiting:
            file.unlink(missing_ok=True)
        server.configure(archive_command="/bin/true")
        assert "PG-ARC-003" in findings(run, fleet)

        server.execute(
            "SELECT pg_drop_replication_slot('left_behind')",
            "SELECT pg_replication_origin_drop('pg_99999')",
            "DROP PUBLICATION all_of_it",
        )
        server.stop()
        server.configure_files(GOOD)
        (server.data / "postgresql.auto.conf").write_text("")
        server.start()
        assert set(findings(run, fleet)).isdisjoint(ALONE | ARCHIVE)
        server.stop()
        server.configure_files({**GOOD, "wal_level": "minimal", "max_wal_senders": "0", "summarize_wal": "off"})
        server.start()
        assert findings(run, fleet)["PG-WAL-001"] == ["warning: no standby can follow pg-1: wal_level is minimal"]


def test_standbys_and_their_primary(run: Run) -> None:
    """Names, synchronous commits, senders, addresses, access, and what would stop after a failover."""
    with Fleet() as fleet:
        good_pair(fleet)
        primary, second = fleet.servers["pg-1"], fleet.servers["pg-2"]
        third = fleet.standby("pg-3", primary, slot=False, settings=GOOD)
        hba = (primary.data / "pg_hba.conf").read_text()
        primary.execute("CREATE UNLOGGED TABLE sessions (id int)")
        (primary.data / "pg_hba.conf").write_text(hba + "host replication all 10.0.0.0/8 scram-sha-256\n")
        for server in (third, second, primary):
            server.stop()
        primary.configure_files(
            {
                **{**GOOD, "synchronous_standby_names": '"pg-2"', "synchronous_commit": "local"},
                **{"max_wal_senders": "2", "listen_addresses": "*"},
            }
        )
        second.configure_files({**GOOD, "max_standby_streaming_delay": "0", "restore_command": "false"})
        third.configure_files({**GOOD, "wal_receiver_create_temp_slot": "on"})
        third.follow(primary.dsn(user=SUPERUSER, application_name="pg-2"), "")
        for server in (primary, second, third):
            server.start()
        both = "SELECT count(*) = 2 FROM pg_stat_replication"
        eventually("both standbys are connected", lambda: bool(primary.value(both)))
        assert set(findings(run, fleet, user=SUPERUSER)) == STANDBYS | {"PG-SEC-006"}

        (primary.data / "pg_hba.conf").write_text(hba)
        primary.execute("DROP TABLE sessions")
        for server in (third, second, primary):
            server.stop()
        primary.configure_files({**GOOD, "synchronous_standby_names": '"pg-2"', "synchronous_commit": "remote_apply"})
        second.configure_files({**GOOD, "recovery_min_apply_delay": "1s", "synchronous_commit": "remote_apply"})
        third.configure_files({**GOOD, "cluster_name": "pg-1", "synchronous_commit": "remote_apply"})
        third.follow(primary.dsn(user=REPLICATOR), "")
        primary.start()
        primary.execute("SELECT pg_create_physical_replication_slot('pg_3', true)")
        third.configure_files({**GOOD, "cluster_name": "pg-1", "synchronous_commit": "remote_apply"})
        third.follow(primary.dsn(user=REPLICATOR), "pg_3")
        for server in (second, third):
            server.start()
        eventually("both standbys are connected", lambda: bool(primary.value(both)))
        assert set(findings(run, fleet)) - {"PG-SBY-012"} == SYNCHRONOUS | {"PG-SBY-005"}

        primary.configure(synchronous_standby_names="", synchronous_commit="on")
        for server in (second, third):
            server.stop()
            server.configure_files(GOOD)
            server.start()
        third.stop()
        third.follow(primary.dsn(user=REPLICATOR, application_name="pg-3"), "pg_3")
        third.start()
        eventually("both standbys are connected", lambda: bool(primary.value(both)))
        assert above_info(findings(run, fleet)) == set()

        second.execute("SELECT pg_create_physical_replication_slot('pg_3', true)")
        third.stop()
        third.follow(fleet.conninfo(second, "pg-3"), "pg_3")
        third.start()
        eventually("pg-3 follows pg-2", lambda: bool(second.query("SELECT 1 FROM pg_stat_replication")))
        second.configure(primary_conninfo=fleet.conninfo(third, "pg-2"), primary_slot_name="")
        eventually("pg-2 follows pg-3", lambda: bool(third.query("SELECT 1 FROM pg_stat_replication")))
        assert "PG-CLU-005" in findings(run, fleet)
        second.configure(primary_conninfo="")
        third.query("SELECT pg_promote()")
        found = findings(run, fleet)
        assert set(found) >= {"PG-CLU-001", "PG-SBY-007"}
        assert "pg-1, pg-3 all take writes" in found["PG-CLU-001"][0]


def test_a_publisher_with_a_standby_and_its_subscriber(run: Run) -> None:
    """Slots that a failover loses, changes that go round, rows that are searched, a plugin that is refused."""
    with Fleet() as fleet:
        good_logical(fleet)
        publisher, subscriber = fleet.servers["pg-1"], fleet.servers["pg-3"]
        standby = fleet.standby("pg-2", publisher, settings=GOOD)
        fleet.wait_caught_up()
        assert above_info(findings(run, fleet, DATABASE)) == {"PG-LOG-002"}

        publisher.execute(
            "CREATE TABLE big (id int)",
            "ALTER TABLE big REPLICA IDENTITY FULL",
            "INSERT INTO big SELECT generate_series(1, 12000)",
            "SELECT pg_create_logical_replication_slot('moves', 'pgoutput', false, false, true)",
            dbname=DATABASE,
        )
        way = subscriber.dsn(DATABASE, REPLICATOR)
        subscriber.execute(
            "CREATE TABLE big (id int)",
            "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION",
            f"CREATE SUBSCRIPTION second CONNECTION '{publisher.dsn(DATABASE, REPLICATOR)}' PUBLICATION pg_3 "
            "WITH (create_slot = false, slot_name = 'never_made', copy_data = false)",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {REPLICATOR}",
            "CREATE PUBLICATION back FOR TABLE items",
            dbname=DATABASE,
        )
        publisher.execute(
            f"CREATE SUBSCRIPTION back CONNECTION '{way}' PUBLICATION back WITH (copy_data = false)", dbname=DATABASE
        )
        states = (
            "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel JOIN pg_subscription AS s ON s.oid = srsubid"
        )
        eventually("the copy is done", lambda: subscriber.value(f"{states} WHERE subname = 'pg_3'", dbname=DATABASE))
        subscriber.query("ANALYZE big", dbname=DATABASE)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(
                standby.query, "SELECT pg_create_logical_replication_slot('own', 'pgoutput')", dbname=DATABASE
            )
            eventually(
                "the slot is made", lambda: bool(publisher.query("SELECT pg_log_standby_snapshot()")) and made.done()
            )
        standby.configure(sync_replication_slots="on", max_replication_slots="1")
        standby.restart()
        publisher.configure(synchronous_standby_names="*", output_plugin_libraries="test_decoding")
        found = findings(run, fleet, DATABASE)
        assert above_info(found) | (set(found) & LOGICAL) == LOGICAL | {"PG-SBY-015", "PG-WAL-008"}

        publisher.configure(synchronous_standby_names=None, output_plugin_libraries=None)
        standby.query("SELECT pg_drop_replication_slot('own')")
        standby.configure(sync_replication_slots=None, max_replication_slots=None)
        standby.restart()
        publisher.execute("DROP SUBSCRIPTION back", "DROP TABLE big", dbname=DATABASE)
        subscriber.execute(
            "ALTER SUBSCRIPTION second DISABLE",
            "ALTER SUBSCRIPTION second SET (slot_name = NONE)",
            "DROP SUBSCRIPTION second",
            "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION",
            "DROP TABLE big",
            "ALTER SUBSCRIPTION pg_3 DISABLE",
            "ALTER SUBSCRIPTION pg_3 SET (failover = true)",
            "ALTER SUBSCRIPTION pg_3 ENABLE",
            dbname=DATABASE,
        )
        publisher.execute("SELECT pg_drop_replication_slot('moves')")
        fleet.wait_caught_up()
        assert above_info(findings(run, fleet, DATABASE)) == set()


def test_an_older_pair(run: Run, tmp_path: Path) -> None:
    """No checksums, as initdb left it before 18, a setting that 16 removed, a library that changed, old TLS."""
    with Fleet(binaries_for(15)) as fleet:
        wrong = {**GOOD, "wal_log_hints": "off", "vacuum_defer_cleanup_age": "1000"}
        primary = fleet.primary("pg-1", wrong)
        certificate(primary, tmp_path)
        primary.configure(ssl="on", ssl_min_protocol_version="TLSv1.1")
        fleet.standby("pg-2", primary, settings=GOOD)
        primary.execute(
            "CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'",
            "UPDATE pg_database SET datcollversion = '1' WHERE datname = 'sorted'",
            "SELECT pg_create_physical_replication_slot('nobody', true)",
        )
        fleet.wait_caught_up()
        found = findings(run, fleet)
        assert set(found) & OLD == OLD
        assert above_info(found) == {"PG-DUR-008", "PG-DUR-011"}
        primary.execute("ALTER DATABASE sorted REFRESH COLLATION VERSION", "SELECT pg_drop_replication_slot('nobody')")
        primary.configure(vacuum_defer_cleanup_age="0", wal_log_hints="on", ssl="off")
        primary.restart()
        fleet.wait_caught_up()
        assert set(findings(run, fleet)) & OLD == {"PG-DUR-003"}

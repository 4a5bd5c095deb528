"""Reports of others about false or missed findings, on recorded looks: states that take a service or another program.

The source of each report stands with its test; ``tests/integration/cli/test_audit_outside.py`` has those on servers.
"""

import pytest
from msgspec.structs import replace

from leadline.model.audit_look import AuditedRole
from tests.unit.streams.audit.changes import REPLICATES, P, S, hba
from tests.unit.streams.audit.draft import Draft
from tests.unit.streams.audit.test_patch_level import of_version


def of_flavour(draft: Draft, flavour: str) -> Draft:
    for name in (P, S):
        draft.sampled(name, node=replace(draft.sample_of(name).node, flavour=flavour))
    return draft


@pytest.mark.parametrize(
    "command",
    [
        "pgbackrest --stanza=main archive-push %p",
        "barman-wal-archive backup main %p",
        "rsync -a %p barman@backup:/var/lib/barman/main/incoming/%f",
        "wal-g wal-push %p",
        "envdir /etc/wal-e.d/env wal-e wal-push %p",
        "/etc/rds/dbbin/pgscripts/rds_wal_archive %p",
        "test ! -f /archive/%f && cp %p /archive/%f",
    ],
)
def test_commands_of_backup_programs_keep_the_wal(command: str) -> None:
    """Only a command that plainly does nothing is found: https://github.com/pgbackrest/pgbackrest/issues/213."""
    assert not {"PG-ARC-002", "PG-ARC-003"} & Draft().put(P, archive_mode="on", archive_command=command).rules()


def test_a_standby_whose_archive_is_off_until_it_is_promoted() -> None:
    """wal-g complained of a command that a standby does not need: https://github.com/wal-g/wal-g/pull/1662."""
    draft = Draft().put(P, archive_mode="on", archive_command="wal-g wal-push %p")
    assert not {"PG-ARC-002", "PG-ARC-004"} & draft.put(S, archive_mode="on", archive_command="").rules()


@pytest.mark.parametrize("flavour", ["aurora", "alloydb", "neon"])
def test_storage_of_a_service(flavour: str) -> None:
    """Files, checksums and receiving are the service's: https://github.com/erikdarlingdata/PerformanceMonitor/pull/3669."""
    draft = of_flavour(Draft(), flavour).put(P, full_page_writes="off", fsync="off", data_checksums="off")
    draft.put(S, primary_conninfo="", primary_slot_name="")
    assert not {"PG-DUR-001", "PG-DUR-002", "PG-DUR-003", "PG-DUR-004", "PG-SBY-007", "PG-WAL-004"} & draft.rules()


def test_versions_of_a_service_with_repairs_of_its_own() -> None:
    """Aurora 17.5 is not PostgreSQL 17.5: which defects it has is not seen."""
    draft = of_version(of_flavour(Draft(major=17), "aurora"), "17.2")
    assert not [rule for rule in draft.rules() if rule.startswith("PG-ADV")]
    assert "aurora has repairs of its own" in " ".join(each.reason for each in draft.report().unseen)
    assert [rule for rule in of_version(of_flavour(Draft(major=17), "rds"), "17.2").rules() if rule[:6] == "PG-ADV"]


def test_a_slot_that_patroni_keeps_on_the_primary_for_a_member_of_a_cascade() -> None:
    """It is never active, and moved on: https://github.com/patroni/patroni/issues/3145. One that is not keeps WAL."""
    idle = {"active": False, "inactive_s": 9000.0}
    patroni = of_flavour(Draft(), "patroni").slot(P, **idle, retained_bytes=2**20)
    assert [each.severity for each in patroni.report().findings if each.rule == "PG-WAL-005"] == ["info"]
    patroni.slot(P, **idle, retained_bytes=2**30)
    assert [each.severity for each in patroni.report().findings if each.rule == "PG-WAL-005"] == ["warning"]


def test_a_client_certificate_is_no_blind_trust() -> None:
    """The server checks it before trust: https://github.com/pgjdbc/pgjdbc/issues/3320."""
    line = replace(REPLICATES, kind="hostssl", options=("clientcert=verify-full",))
    for right, found in ((line, False), (replace(line, options=("clientcert=no-verify",)), True)):
        draft = Draft()
        hba(P, right)(draft)
        assert ("PG-SEC-003" in draft.rules()) is found


def test_lines_for_the_machine_itself_let_no_standby_in() -> None:
    """Every pg_hba.conf of initdb has them."""
    own = replace(REPLICATES, address="127.0.0.1", method="scram-sha-256")
    draft = Draft()
    hba(P, own, REPLICATES)(draft)
    hba(S, own)(draft)
    assert "PG-PAR-011" in draft.rules()
    draft = Draft()
    hba(P, own)(draft)
    hba(S, own)(draft)
    assert "PG-PAR-011" not in draft.rules()


def test_a_role_that_replicates_by_membership() -> None:
    """rds_replication gives the right and not the attribute: https://github.com/airbytehq/airbyte/pull/22371."""
    role = AuditedRole(name="replicator", superuser=False, replication=False, login=True, expires_s=86400.0)
    assert "PG-SEC-004" in Draft().read(P, roles=(role,)).rules()


def test_a_library_with_its_folder_is_the_same_library() -> None:
    """Packages write it either way."""
    draft = Draft().put(P, shared_preload_libraries="$libdir/pgaudit, pg_stat_statements")
    assert "PG-PAR-006" not in draft.put(S, shared_preload_libraries="pg_stat_statements,pgaudit").rules()


def test_patroni_with_strict_synchronous_mode() -> None:
    """Its placeholder is a name that nobody has: commits do hang: https://github.com/patroni/patroni/pull/3435."""
    draft = of_flavour(Draft(), "patroni")
    assert (
        "PG-SYNC-001" in draft.put(P, synchronous_standby_names="__patroni_strict_sync_replica_placeholder__").rules()
    )


def test_a_server_without_replication_is_no_alarm() -> None:
    """RDS sets wal_level to minimal where no backups are kept; the server demands max_wal_senders 0 for it."""
    draft = Draft().put(P, wal_level="minimal")
    assert [each.severity for each in draft.report().findings if each.rule == "PG-WAL-001"] == ["warning"]

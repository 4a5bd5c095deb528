"""`leadline audit` over logical replication that is set up wrong, and over what people reported as false alarms.

Each state is built on real servers as the agent's role sees them; the source of a report stands with its test.
"""

from collections.abc import Iterator

import pytest

from leadline_lab.sandbox.fleet import Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.audit_looks import GOOD, good_logical, good_pair
from tests.fixtures.audits import above_info
from tests.fixtures.audits import findings as audit
from tests.fixtures.commands import Run

BY_ITSELF = {"PG-LOG-001", "PG-LOG-004", "PG-LOG-007", "PG-LOG-009", "PG-CLU-004", "PG-PAR-008"}
"""Rules with a violation that is alone."""
TOGETHER = {"PG-LOG-003", "PG-LOG-005", "PG-LOG-006", "PG-LOG-012", "PG-LOG-013", "PG-LOG-014"}


@pytest.fixture(scope="module")
def logical() -> Iterator[Fleet]:
    with Fleet() as fleet:
        good_logical(fleet)
        yield fleet


def test_a_subscription_that_is_set_up_wrong_in_many_ways(run: Run, logical: Fleet) -> None:
    """All of it is found, at once, and nothing else; when it is repaired, all of it is gone."""
    publisher, subscriber = logical.servers["pg-1"], logical.servers["pg-3"]
    assert above_info(audit(run, logical, "app")) == set()
    publisher.execute("ALTER ROLE replicator SET statement_timeout = '10s'")
    assert above_info(audit(run, logical, "app")) == {"PG-LOG-004"}
    publisher.execute("ALTER ROLE replicator RESET statement_timeout")

    publisher.execute(
        "CREATE TABLE unseen (id int PRIMARY KEY)",
        "CREATE TABLE keyless (id int)",
        "INSERT INTO keyless VALUES (1)",
        "ALTER TABLE items ADD COLUMN more text",
        "CREATE PUBLICATION second FOR TABLE items WITH (publish = 'insert')",
        "SELECT pg_create_logical_replication_slot('foreign_one', 'test_decoding')",
        dbname="app",
    )
    subscriber.execute(
        "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER twice AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION noted()",
        "ALTER TABLE items ENABLE ALWAYS TRIGGER twice",
        "ALTER SUBSCRIPTION pg_3 SET PUBLICATION pg_3, gone WITH (refresh = false)",
        dbname="app",
    )
    subscriber.configure(max_logical_replication_workers="1", max_active_replication_origins="1")
    subscriber.restart()
    publisher.configure(synchronized_standby_slots="nobody")

    found = audit(run, logical, "app")
    assert above_info(found) == TOGETHER
    assert "PG-LOG-009" in found  # the trigger
    assert "PG-WAL-005" not in found  # the slot was made just now
    assert "public.unseen" in found["PG-LOG-013"][0] or "keyless" in found["PG-LOG-013"][0]
    assert "column more" in found["PG-LOG-014"][0]
    subscriber.execute("ALTER SUBSCRIPTION pg_3 DISABLE", dbname="app")
    assert "PG-LOG-007" in audit(run, logical, "app")

    subscriber.configure(max_logical_replication_workers=None, max_active_replication_origins=None)
    publisher.configure(synchronized_standby_slots=None)
    publisher.execute("SELECT pg_drop_replication_slot('foreign_one')")
    publisher.execute("DROP TABLE unseen, keyless", "DROP PUBLICATION second", dbname="app")
    subscriber.execute(
        # What was published of it is still in the WAL.
        "CREATE TABLE keyless (id int)",
        "DROP TRIGGER twice ON items",
        "ALTER TABLE items ADD COLUMN more text",
        "ALTER SUBSCRIPTION pg_3 SET PUBLICATION pg_3 WITH (refresh = false)",
        "ALTER SUBSCRIPTION pg_3 ENABLE",
        dbname="app",
    )
    subscriber.restart()
    logical.wait_caught_up()
    subscriber.execute("DROP TABLE keyless", dbname="app")
    assert above_info(audit(run, logical, "app")) == set()


def test_updates_that_are_refused(run: Run, logical: Fleet) -> None:
    """Of a partitioned table the partition without a key is named, and the root is no finding.

    https://github.com/sequinstream/sequin/pull/1258
    """
    publisher, subscriber = logical.servers["pg-1"], logical.servers["pg-3"]
    statements = (
        "CREATE TABLE parted (id int, part int) PARTITION BY LIST (part)",
        "CREATE TABLE parted_1 PARTITION OF parted (PRIMARY KEY (id)) FOR VALUES IN (1)",
        "CREATE TABLE parted_2 PARTITION OF parted (PRIMARY KEY (id)) FOR VALUES IN (2)",
    )
    subscriber.execute(*statements, dbname="app")
    publisher.execute(*statements, "INSERT INTO parted VALUES (1, 1), (2, 2)", dbname="app")
    subscriber.execute("ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION", dbname="app")
    logical.wait_caught_up()
    publisher.execute("UPDATE parted SET id = id + 10", dbname="app")
    logical.wait_caught_up()
    assert "PG-LOG-001" not in audit(run, logical, "app")
    publisher.execute("ALTER TABLE parted_2 DROP CONSTRAINT parted_2_pkey", dbname="app")
    found = audit(run, logical, "app")
    assert [text for text in found["PG-LOG-001"] if "parted_2" in text]
    assert not [text for text in found["PG-LOG-001"] if "parted_1" in text]
    publisher.execute("DROP TABLE parted", dbname="app")
    subscriber.execute("ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION", "DROP TABLE parted", dbname="app")
    logical.wait_caught_up()


def test_what_is_right_on_a_standby(run: Run) -> None:
    """None of these is above info.

    An empty archive_command on a standby, which archives nothing: https://github.com/wal-g/wal-g/issues/982.
    Slots that an orchestrator keeps there: https://github.com/patroni/patroni/issues/3145.
    wal_level logical where replica would do: https://github.com/EnterpriseDB/repmgr/issues/48.
    Other names, ports and memory than the primary: https://github.com/OPMDG/check_pgactivity/issues/174.
    """
    archives = {"archive_mode": "on", "archive_command": "true && test -f %p"}
    with Fleet() as fleet:
        primary = fleet.primary("pg-1", {**GOOD, **archives})
        own = {**GOOD, **archives, "archive_command": "", "work_mem": "8MB", "shared_buffers": "32MB"}
        standby = fleet.standby("pg-2", primary, settings=own)
        fleet.wait_caught_up()
        standby.query("SELECT pg_create_physical_replication_slot('pg_1', true)")
        eventually("a segment is archived", lambda: bool(primary.value("SELECT pg_switch_wal() IS NOT NULL")))
        found = audit(run, fleet)
        assert above_info(found) == set()
        assert "PG-WAL-005" not in found or found["PG-WAL-005"][0].startswith("info")
        standby.query("SELECT pg_promote()")
        assert "PG-ARC-002" in audit(run, fleet)


def test_one_slot_for_two_standbys(run: Run) -> None:
    """A standby that was copied from another one with its settings is named together with it."""
    with Fleet() as fleet:
        good_pair(fleet)
        third = fleet.standby("pg-3", fleet.servers["pg-1"], slot=False, settings=GOOD)
        third.stop()
        third.follow(fleet.conninfo(fleet.servers["pg-1"], "pg-3"), "pg_2")
        third.start()
        found = audit(run, fleet)
        assert "PG-CLU-004" in found
        assert "pg-2" in found["PG-CLU-004"][0]
        assert "pg-3" in found["PG-CLU-004"][0]


def test_a_slot_that_does_not_exist(run: Run) -> None:
    """The standby asks for it in vain; the audit names both ends."""
    with Fleet() as fleet:
        good_pair(fleet)
        fleet.servers["pg-2"].configure(primary_slot_name="never_made")
        receiver = "SELECT 1 FROM pg_stat_wal_receiver WHERE slot_name = 'pg_2'"
        eventually("the receiver is gone", lambda: not fleet.servers["pg-2"].query(receiver))
        found = audit(run, fleet)
    assert found["PG-PAR-008"] == ["critical: pg-2 asks pg-1 for slot never_made, which does not exist there"]

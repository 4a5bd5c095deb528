"""A published table without a replica identity."""

import psycopg
import pytest

from tests.fixtures.fleets import Logical
from tests.zoo.app import on_publisher, on_subscriber
from tests.zoo.rig import Watch


def test_replica_identity_missing(logical: Logical, watch: Watch) -> None:
    """Somebody dropped the primary key: updates fail on the publisher, and nothing of it is replicated."""
    table = "CREATE TABLE keyed (id int PRIMARY KEY, note text)"
    on_subscriber(logical, table)
    on_publisher(logical, table, "INSERT INTO keyed VALUES (1, 'a')", "UPDATE keyed SET note = 'b'")
    on_subscriber(logical, "ALTER SUBSCRIPTION pg_3 REFRESH PUBLICATION")
    logical.fleet.wait_caught_up()
    rig = watch(logical)
    on_publisher(logical, "ALTER TABLE keyed DROP CONSTRAINT keyed_pkey")
    with pytest.raises(psycopg.Error, match="does not have a replica identity and publishes updates"):
        on_publisher(logical, "UPDATE keyed SET note = 'c'")
    rig.mark()
    look_again(logical)
    incident = rig.expect(rule="identity_missing", cause="replica_identity_missing")
    assert incident.causes[0].summary.startswith("public.keyed on pg-1 (1 in all)")
    on_publisher(logical, "ALTER TABLE keyed ADD PRIMARY KEY (id)")
    look_again(logical)
    rig.expect_resolved()


def look_again(logical: Logical) -> None:
    """What is read with the settings is read at a reload; without it, within ten minutes."""
    logical.publisher.configure()

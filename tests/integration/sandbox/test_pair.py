"""A primary and a standby, and the link between them that breaks."""

import pytest

from leadline.errors import UnreachableError
from leadline.sandbox.fleet import AGENT
from tests.fixtures.fleets import Pair


def test_a_commit_arrives(pair: Pair) -> None:
    """What is committed on the primary is read on the standby."""
    pair.primary.query("CREATE TABLE arrives AS SELECT 42 AS answer")
    pair.fleet.wait_caught_up()
    assert pair.standby.value("SELECT answer FROM arrives") == 42


def test_the_agent_role_has_no_more_rights_than_monitoring(pair: Pair) -> None:
    """The role of agents is a member of pg_monitor and nothing else."""
    roles = "SELECT rolname FROM pg_roles WHERE pg_has_role('leadline', oid, 'MEMBER') AND rolname = any(%s)"
    assert pair.standby.query(roles, [["pg_monitor", "postgres", "replicator"]]) == [("pg_monitor",)]
    assert f"user={AGENT}" in pair.standby.dsn(user=AGENT)


def test_a_cut_link_carries_nothing_and_heals(pair: Pair) -> None:
    """After a cut the walreceiver is gone; after healing it comes back and catches up."""
    pair.proxy.cut()
    pair.primary.query("CREATE TABLE cut ()")
    with pytest.raises(UnreachableError, match="pg-2 catches up with pg-1"):
        pair.fleet.wait_caught_up(timeout_s=0.5)
    assert pair.standby.query("SELECT status FROM pg_stat_wal_receiver WHERE status = 'streaming'") == []
    pair.proxy.heal()
    pair.fleet.wait_caught_up()
    assert pair.standby.value("SELECT to_regclass('cut')::text") == "cut"


def test_a_held_link_stays_connected_and_carries_nothing(pair: Pair) -> None:
    """A black hole leaves both ends connected; the held bytes arrive once it heals."""
    pair.proxy.blackhole("downstream")
    pair.primary.query("CREATE TABLE held ()")
    with pytest.raises(UnreachableError):
        pair.fleet.wait_caught_up(timeout_s=0.5)
    assert pair.primary.value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1
    pair.proxy.heal()
    pair.fleet.wait_caught_up()
    assert pair.standby.value("SELECT to_regclass('held')::text") == "held"

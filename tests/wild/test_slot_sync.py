"""Standbys that are to synchronize the logical slots of their primary, for consumers to go on after a failover."""

from collections.abc import Iterator

import pytest

from leadline_lab.faults.physical.settings import without_dbname
from leadline_lab.faults.topologies import Pair, make_pair
from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.watching import Watching, address

SOURCES = (
    "cloudnative-pg/cloudnative-pg#5917",
    "hapostgres/pg_auto_failover#1189",
    "EnterpriseDB/repmgr#880",
    "pgEdge/spock#546",
)
SYNCED = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'orders' AND synced AND NOT temporary"


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A standby with the slot pg_2; its primary has the failover slot orders."""
    with Fleet() as fleet:
        pair = make_pair(fleet)
        pair.primary.query("SELECT pg_create_logical_replication_slot('orders', 'pgoutput', failover => true)")
        fleet.wait_caught_up()
        yield pair


@pytest.mark.quick
@pytest.mark.situation(154, "sync_replication_slots, and no dbname in primary_conninfo", *SOURCES)
def test_slots_that_are_not_synchronized(wild: Wild, run: Run, pair: Pair) -> None:
    """The answer has each setting and what to do; then the slot is there, and the notice ends."""
    standby, dsns = pair.standby, [server.dsn(user=AGENT) for server in (pair.primary, pair.standby)]
    before = standby.value("SHOW primary_conninfo")
    standby.configure(primary_conninfo=without_dbname(before))
    standby.configure(sync_replication_slots="on", hot_standby_feedback="off")
    with Watching(*dsns, for_s=5.0) as seen:
        wild.begins()
        fired = seen.fires("slot_sync_off")
        cause = seen.names("slot_sync_misconfigured", above=0.9)
        wild.answers(cause.summary)
        assert cause.summary.startswith(f"sync_replication_slots is on on {address(standby)} and has no effect")
        assert "primary_conninfo has no dbname, hot_standby_feedback is off" in cause.summary
        assert "ALTER SYSTEM SET hot_standby_feedback = on" in cause.fix
        assert "Add dbname=<database>" in cause.fix
        assert not seen.incidents(), "it is a notice"
        result = run("check", *dsns)
        assert "primary_conninfo has no dbname" in result.out, result.out
        standby.configure(primary_conninfo=before, hot_standby_feedback="on")
        pair.primary.query("SELECT pg_log_standby_snapshot()")
        eventually("the slot is there", lambda: bool(standby.value(SYNCED)), 60.0)
        seen.until("the notice ends", lambda: seen.observation.outputs and not _open(seen, fired.alert_id), 30.0)


def _open(seen: Watching, ident: str) -> bool:
    return any(alert.id == ident for alert in seen.state.memory.alerts.values())


@pytest.mark.situation(155, "Slots that are synchronized to a standby", *SOURCES)
def test_slots_that_are_synchronized(wild: Wild, run: Run, pair: Pair) -> None:
    """Nothing is raised, and check ends with 0."""
    standby, dsns = pair.standby, [server.dsn(user=AGENT) for server in (pair.primary, pair.standby)]
    standby.configure(sync_replication_slots="on", hot_standby_feedback="on")
    pair.primary.query("SELECT pg_log_standby_snapshot()")
    eventually("the slot is there", lambda: bool(standby.value(SYNCED)), 60.0)
    with Watching(*dsns, for_s=5.0, rules={"slot_inactive": {"for_s": 300.0}}) as now:
        now.look(20)
        assert not now.fired, now.history()
    result = run("check", *dsns)
    assert result.code == 0, result.out
    wild.raises_nothing()

"""Standbys that are to synchronize the logical slots of their primary, for consumers to go on after a failover."""

from collections.abc import Iterator

import pytest
from psycopg import sql

from leadline.model.alert import Transition
from leadline.model.incident import Cause
from leadline_lab.faults.physical.settings import without_dbname
from leadline_lab.faults.topologies import DATABASE, ITEMS, Pair, make_pair
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
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
SYNCHRONIZING = {"hot_standby_feedback": "on", "sync_replication_slots": "on"}
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


@pytest.mark.situation(
    171,
    "A demoted primary keeps its failover slots",
    "cloudnative-pg/cloudnative-pg#9969",
    "patroni/patroni#3493",
    "hapostgres/pg_auto_failover#1188",
)
def test_slots_of_a_demoted_primary(wild: Wild, run: Run) -> None:
    """Its worker ends at the first of them; the step that drops it lets the worker go on, and the notice ends."""
    with Fleet(plain=True) as fleet:
        old = fleet.primary("pg-1")
        old.query(f"CREATE DATABASE {DATABASE}")
        old.query(ITEMS, dbname=DATABASE)
        new = fleet.standby("pg-2", old, settings=SYNCHRONIZING, conninfo={"dbname": "postgres"})
        subscriber = fleet.subscriber("pg-3", old, schema=ITEMS)
        for change in ("DISABLE", "SET (failover = true)", "ENABLE"):
            subscriber.query(f"ALTER SUBSCRIPTION pg_3 {change}", dbname=DATABASE)
        old.query("SELECT pg_log_standby_snapshot()")
        synced = SYNCED.replace("orders", "pg_3")
        eventually("the slot is there", lambda: bool(new.value(synced)), 60.0)
        old.stop()
        new.query("SELECT pg_promote()")
        to = sql.Literal(new.dsn(DATABASE, REPLICATOR)).as_string()
        subscriber.query(f"ALTER SUBSCRIPTION pg_3 CONNECTION {to}", dbname=DATABASE)
        new.query("SELECT pg_create_physical_replication_slot('pg_1', true)")
        old.configure_files({"cluster_name": "", **SYNCHRONIZING})
        old.follow(new.dsn("postgres", REPLICATOR), "pg_1")
        old.start()
        wild.begins()
        dsns = [server.dsn(DATABASE, AGENT) for server in (old, new, subscriber)]
        with Watching(*dsns, for_s=5.0) as seen:
            fired = seen.fires("slot_sync_off")
            seen.until("it is named", lambda: bool(_named(seen, "slot_sync_off")), 20.0)
            (cause,) = _named(seen, "slot_sync_off")
            wild.answers(cause.summary)
            assert f"{address(old)} has a slot pg_3 of its own" in cause.summary
            assert "pg_3" in run("check", *dsns).out
            (drop,) = [step for step in cause.steps if step.risk == "destructive"]
            assert (drop.node, drop.sql) == (address(old), "SELECT pg_drop_replication_slot('pg_3')")
            old.query(drop.sql)
            new.query("SELECT pg_log_standby_snapshot()")
            eventually("the slot is there", lambda: bool(old.value(synced)), 60.0)
            seen.until("the notice ends", lambda: not _open(seen, fired.alert_id), 30.0)


def _named(seen: Watching, rule: str) -> list[Cause]:
    """The causes that were named last for an alert of a rule."""
    named = (one for _, one in seen.observation.outputs if isinstance(one, Transition) and one.rule == rule)
    return next((one.causes[:1] for one in reversed(list(named)) if one.causes), [])

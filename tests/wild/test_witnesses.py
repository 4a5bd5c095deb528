"""Servers that only vote, and servers that were promoted with settings that nobody had tried."""

import pytest

from leadline_lab.sandbox.fleet import REPLICATOR, Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent
from tests.wild.test_server_log_reasons import logical
from tests.wild.test_succession import follow, promote
from tests.wild.watching import address, watched

late = pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])


@late
@pytest.mark.situation(
    1022, "A failover with a witness", "EnterpriseDB/repmgr#453", "EnterpriseDB/repmgr#765", "EnterpriseDB/repmgr#742"
)
def test_a_witness_replaces_nobody(wild: Wild, run: Run, late: bool) -> None:
    """It takes writes all the time, and has data of its own: it is no second primary."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        standby = fleet.standby("pg-2", primary)
        witness = fleet.primary("pg-w")
        fleet.wait_caught_up()
        if late:
            primary.kill()
            promote(standby)
        wild.begins()
        with watched([primary, standby, witness]) as seen:
            if not late:
                seen.look(6)
                assert not seen.fired
                primary.kill()
                seen.look(3)
                promote(standby)
                wild.begins()
                cause = seen.names("primary_replaced")
                wild.answers(cause.summary)
                assert f"{address(standby)} replaced it" in cause.summary
            else:
                seen.look(15)
                wild.answers(f"{address(standby)} was promoted", 15.0)
            assert "split_brain" not in seen.fired
            assert not any(address(witness) in each.summary for each in seen.causes())
        result = run("check", *map(agent, (primary, standby, witness)))
        assert f"{address(standby)}, which followed it, was promoted" in result.out, result.out


@pytest.mark.situation(
    1026, "The promoted server has max_wal_senders = 0", "EnterpriseDB/repmgr#494", "canonical/postgresql-operator#835"
)
def test_a_promoted_server_without_senders(wild: Wild, run: Run) -> None:
    """Its standby does not count as one with another history: it never got as far as to be asked."""
    with Fleet(plain=True, slots=False) as fleet:
        primary = fleet.primary("pg-1")
        new, other = fleet.standby("pg-2", primary), fleet.standby("pg-3", primary)
        fleet.wait_caught_up()
        with watched([primary, new, other], settled=True) as seen:
            primary.stop()
            promote(new)
            new.configure(max_wal_senders="0")
            new.restart()
            follow(other, new)
            wild.begins()
            cause = seen.mentions("too_many_wal_senders", 30.0)
            wild.answers(cause.summary)
            assert f"{address(new)} does not replicate: max_wal_senders = 0" in cause.summary
            seen.look(5)
            assert "timeline_fork" not in {each.code for one in seen.incidents() for each in one.causes}
        result = run("check", *map(agent, (primary, new, other)))
        assert "does not replicate: max_wal_senders = 0" in result.out, result.out
        assert "different histories" not in result.out
        assert "cannot follow it" not in result.out


@late
@pytest.mark.situation(
    1015,
    "The promoted publisher has wal_level = replica",
    "cagriekin/charts#308",
    "2ndQuadrant/pglogical#301",
    "hapostgres/pg_auto_failover#1030",
)
def test_a_promoted_publisher_that_cannot_decode(wild: Wild, run: Run, late: bool) -> None:
    """A slot cannot be created there before the setting is changed, which is the first step."""
    with Fleet(plain=True, slots=False) as fleet:
        publisher, subscriber = logical(fleet, readable=False)
        standby = fleet.standby("pg-2", publisher, settings={"wal_level": "replica"})
        fleet.wait_caught_up()

        def fail_over() -> None:
            publisher.stop()
            promote(standby)
            subscriber.query(f"ALTER SUBSCRIPTION pg_3 CONNECTION '{standby.dsn('app', REPLICATOR)}'", dbname="app")

        if late:
            fail_over()
        wild.begins()
        with watched([publisher, subscriber, standby], "app", settled=not late) as seen:
            if not late:
                fail_over()
                wild.begins()
            cause = seen.mentions("slot_lost_in_failover", 40.0)
            wild.answers(cause.summary)
            assert f"{address(standby)} has wal_level = replica" in cause.summary
            steps = [step.sql or step.text or "" for step in cause.steps]
            level = steps.index("ALTER SYSTEM SET wal_level = 'logical'")
            create = next(place for place, text in enumerate(steps) if "pg_create_logical_replication_slot" in text)
            assert level < create
        result = run("check", *(agent(each, "app") for each in (publisher, subscriber, standby)))
        assert "has wal_level = replica" in result.out, result.out

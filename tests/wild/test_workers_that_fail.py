"""Apply workers that fail by a timeout, by a right that only TRUNCATE needs, and in spite of SKIP."""

import psycopg
import pytest

from leadline_lab.faults.topologies import DATABASE
from leadline_lab.sandbox.fleet import Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_identity import agent
from tests.wild.test_server_log_reasons import logical
from tests.wild.watching import watched

late = pytest.mark.parametrize("late", [False, True], ids=["watched-before", "watched-after"])
readable = pytest.mark.parametrize("readable", [True, False], ids=["readable", "unreadable"])


@late
@readable
@pytest.mark.situation(
    1016,
    "lock_timeout of the database ends the apply worker",
    "supabase/etl#1048",
    "burggraf/postgresql_replicas#2",
    "2ndQuadrant/pglogical#89",
)
def test_a_lock_timeout_ends_the_worker(wild: Wild, run: Run, readable: bool, late: bool) -> None:
    """A session holds a lock; the worker gives up and begins again, and the session is named."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, readable=readable)
        subscriber.execute(
            f"ALTER DATABASE {DATABASE} SET lock_timeout = '2s'",
            "ALTER SUBSCRIPTION pg_3 DISABLE",
            "ALTER SUBSCRIPTION pg_3 ENABLE",
            dbname=DATABASE,
        )
        fleet.wait_caught_up()
        with psycopg.connect(subscriber.dsn(DATABASE)) as session:

            def hold() -> None:
                session.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
                publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)

            if late:
                hold()
            wild.begins()
            with watched([publisher, subscriber], DATABASE, settled=not late) as seen:
                if not late:
                    hold()
                    wild.begins()
                pid = f"pid {session.info.backend_pid}"
                sure = 0.9 if readable else 0.5
                seen.until(
                    "the session is named",
                    lambda: any(
                        one.code == "apply_blocked_by_lock" and pid in one.summary and one.confidence > sure
                        for one in seen.causes()[:1]
                    ),
                    60.0,
                )
                cause = seen.causes()[0]
                wild.answers(cause.summary)
                assert "lock_timeout" in cause.summary
                assert "grant the right" not in str(cause.steps)


@readable
@pytest.mark.situation(
    1023,
    "SKIP was given another LSN than that of the failing transaction",
    "PostgreSQL docs: Logical Replication, Conflicts",
    "pgEdge/spock#40",
)
def test_a_skip_that_fits_nothing(wild: Wild, run: Run, readable: bool) -> None:
    """Somebody took the present position of the publisher. The worker fails as before."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, readable=readable)
        subscriber.query("INSERT INTO items VALUES (1, 'mine')", dbname=DATABASE)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        with watched([publisher, subscriber], DATABASE) as seen:
            seen.names("subscriber_duplicate_key")
            place = publisher.value("SELECT pg_current_wal_lsn()::text")
            subscriber.query(f"ALTER SUBSCRIPTION pg_3 SKIP (lsn = '{place}')", dbname=DATABASE)
            wild.begins()
            if readable:
                wrong = f"SKIP (lsn = '{place}') is set and fits no transaction: the failing one ends at "
                seen.until("it is named", lambda: any(wrong in one.summary for one in seen.causes()[:1]), 30.0)
            else:
                facts = [("skip_lsn", place)]
                seen.until(
                    "it is among the evidence",
                    lambda: any(
                        [(e.name, e.value) for e in one.evidence_for if e.name == "skip_lsn"] == facts
                        for one in seen.causes()[:1]
                    ),
                    30.0,
                )
            wild.answers(seen.causes()[0].summary)
        result = run("check", *(agent(each, DATABASE) for each in (publisher, subscriber)))
        assert not readable or "fits no transaction" in result.out, result.out


@readable
@pytest.mark.situation(
    1024,
    "The owner of a subscription may not truncate its table",
    "PostgreSQL docs: Logical Replication, Security",
    "MaterializeInc/materialize#22249",
)
def test_a_truncate_that_is_refused(wild: Wild, run: Run, readable: bool) -> None:
    """Every right was granted that changes of rows need."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, readable=readable)
        subscriber.execute(
            "CREATE ROLE shop_owner LOGIN IN ROLE pg_create_subscription",
            f"GRANT CREATE ON DATABASE {DATABASE} TO shop_owner",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON items TO shop_owner",
            "ALTER SUBSCRIPTION pg_3 SET (run_as_owner = true)",
            "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
            dbname=DATABASE,
        )
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        fleet.wait_caught_up()
        with watched([publisher, subscriber], DATABASE, settled=True) as seen:
            wild.begins()
            publisher.query("TRUNCATE items", dbname=DATABASE)
            lacks = "shop_owner, in whose name its worker writes, lacks TRUNCATE on public.items"
            seen.until("the right is named", lambda: any(lacks in one.summary for one in seen.causes()), 60.0)
            cause = seen.mentions("apply_refused")
            wild.answers(cause.summary)
            assert (cause.confidence > 0.9) is readable
            assert ("GRANT TRUNCATE ON public.items TO shop_owner" in str(cause.steps)) is readable

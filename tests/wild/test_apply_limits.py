"""Changes that a subscriber cannot apply because of its own settings."""

import pytest

from leadline_lab.faults.topologies import DATABASE, ITEMS
from leadline_lab.sandbox.fleet import AGENT, REPLICATOR, Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import GRANTS, LOGGED, logical
from tests.wild.watching import address, watched


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.situation(
    182,
    "two_phase, and max_prepared_transactions has its default",
    "PostgreSQL docs: CREATE SUBSCRIPTION",
    "citusdata/citus#8410",
    "pgsql-jp/jpug-doc#3481",
)
def test_a_prepared_transaction_that_cannot_be_prepared(wild: Wild, run: Run, readable: bool) -> None:
    """Looking begins after the break: the setting is named, not a difference of the tables; raising it is the fix."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet, readable=readable)
        publisher.configure(max_prepared_transactions="10")
        publisher.restart()
        fleet.wait_caught_up()
        subscriber.query("ALTER SUBSCRIPTION pg_3 DISABLE", dbname=DATABASE)
        publisher.query("SELECT pg_sleep(1)")
        subscriber.query("ALTER SUBSCRIPTION pg_3 SET (two_phase = true)", dbname=DATABASE)
        subscriber.query("ALTER SUBSCRIPTION pg_3 ENABLE", dbname=DATABASE)
        publisher.query("BEGIN; INSERT INTO items VALUES (1, 'a'); PREPARE TRANSACTION 'order 17'", dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("apply_refused", above=0.9)
            wild.answers(cause.summary)
            assert f"max_prepared_transactions = 0 on {address(subscriber)}" in cause.summary
            assert "ALTER SYSTEM SET max_prepared_transactions = 10" in cause.fix
            assert seen.ever_first() <= {"apply_refused"}
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert "max_prepared_transactions = 0" in result.out, result.out
            assert "subscriber's table" not in result.out
            subscriber.configure(max_prepared_transactions="10")
            subscriber.restart()
            publisher.query("COMMIT PREPARED 'order 17'", dbname=DATABASE)
            seen.ends()


@pytest.mark.situation(
    187,
    "Two publications of a subscription list different columns of a table",
    "PostgreSQL docs: Logical Replication, Column Lists",
    "2ndQuadrant/pglogical#213",
)
def test_a_change_that_the_publisher_does_not_send(wild: Wild, run: Run) -> None:
    """The publisher's error is quoted; the network and the tables of the subscriber are not blamed."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet)
        publisher.query("CREATE PUBLICATION few FOR TABLE items (id)", dbname=DATABASE)
        subscriber.query("ALTER SUBSCRIPTION pg_3 ADD PUBLICATION few WITH (refresh = false)", dbname=DATABASE)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("apply_refused", above=0.9)
            wild.answers(cause.summary)
            assert f"{address(publisher)} does not send the change" in cause.summary
            assert "different column lists for table" in cause.summary
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert "different column lists" in result.out, result.out
            subscriber.query("ALTER SUBSCRIPTION pg_3 DROP PUBLICATION few WITH (refresh = false)", dbname=DATABASE)
            seen.ends()


@pytest.mark.situation(
    188,
    "A subscription was given to a role that is no superuser, and has no password",
    "PostgreSQL docs: Logical Replication, Security",
    "PostgreSQL docs: CREATE SUBSCRIPTION",
)
def test_an_owner_that_must_give_a_password(wild: Wild, run: Run) -> None:
    """The worker ends before it connects: its own words are quoted, and the statement that lets it go on."""
    with Fleet(plain=True) as fleet:
        publisher, subscriber = logical(fleet)
        (publisher.data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 trust\n")
        publisher.query("SELECT pg_reload_conf()")
        plain = f"host=127.0.0.1 port={publisher.port} dbname={DATABASE} user={REPLICATOR}"
        subscriber.execute(
            f"ALTER SUBSCRIPTION pg_3 CONNECTION '{plain}'",
            "CREATE ROLE shop_owner LOGIN IN ROLE pg_create_subscription",
            f"GRANT CREATE ON DATABASE {DATABASE} TO shop_owner",
            "GRANT ALL ON items TO shop_owner",
            "ALTER SUBSCRIPTION pg_3 OWNER TO shop_owner",
            dbname=DATABASE,
        )
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("subscriber_cannot_connect", above=0.9)
            wild.answers(cause.summary)
            assert "password is required" in cause.summary
            assert "ALTER SUBSCRIPTION pg_3 SET (password_required = false)" in cause.fix
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert "password is required" in result.out, result.out


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.situation(
    189,
    "No replication origin is left for an initial copy",
    "freelawproject/courtlistener#1530",
    "autobase-tech/autobase#823",
    "MaterializeInc/materialize#25809",
)
def test_no_origin_is_left_for_a_copy(wild: Wild, run: Run, readable: bool) -> None:
    """The limit of the subscriber is named, whether its server log is read or not."""
    with Fleet(plain=True) as fleet:
        settings = LOGGED if readable else {}
        publisher = fleet.primary("pg-1")
        publisher.query(f"CREATE DATABASE {DATABASE}")
        publisher.query(ITEMS, dbname=DATABASE)
        publisher.query("INSERT INTO items VALUES (1, 'a')", dbname=DATABASE)
        subscriber = fleet.subscriber(
            "pg-3", publisher, schema=ITEMS, settings={**settings, "max_active_replication_origins": "1"}
        )
        if readable:
            subscriber.query(GRANTS, dbname=DATABASE)
        wild.begins()
        with watched((publisher, subscriber), DATABASE) as seen:
            cause = seen.names("table_sync_failing", above=0.9)
            seen.until("the limit is named", lambda: "max_active_replication_origins = 1" in str(seen.causes()))
            wild.answers(seen.causes()[0].summary)
            assert cause.subject.node == address(subscriber)
            assert "ALTER SYSTEM SET max_active_replication_origins = 5" in seen.causes()[0].fix
            result = run("check", publisher.dsn(DATABASE, AGENT), subscriber.dsn(DATABASE, AGENT))
            assert "max_active_replication_origins = 1" in result.out, result.out
            subscriber.configure(max_active_replication_origins="5")
            subscriber.restart()
            seen.ends()

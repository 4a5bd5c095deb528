"""Changes that a subscriber cannot apply because of its own settings."""

import pytest

from leadline_lab.faults.topologies import DATABASE
from leadline_lab.sandbox.fleet import AGENT, Fleet
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild
from tests.wild.test_server_log_reasons import logical
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

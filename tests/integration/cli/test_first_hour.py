"""The first hour of somebody new: what the tutorial about servers that are broken already shows is what they see."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.fixtures.pages import ROOT, hold

PAGE = ROOT / "docs/tutorial/already-broken.md"
WAITS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event = 'RecoveryConflictSnapshot'"
)
"""Whether the standby's replay waits for the report."""


@contextmanager
def reporting(pair: Pair) -> Iterator[None]:
    """A report on the standby holds a snapshot that replay waits for, and the limit on that was lifted."""
    pair.primary.query("CREATE TABLE first_hour AS SELECT generate_series(1, 20000) AS id")
    pair.fleet.wait_caught_up()
    pair.standby.configure(max_standby_streaming_delay="-1")
    report = psycopg.connect(pair.standby.dsn(), application_name="monthly_report")
    try:
        with report.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM first_hour")
            pair.primary.query("DELETE FROM first_hour WHERE id < 15000")
            pair.primary.query("VACUUM first_hour")
            pair.primary.query("INSERT INTO first_hour SELECT generate_series(1, 9)")
            # That something is left to replay shows no more than that a busy machine has not come to it yet.
            eventually("replay waits", lambda: bool(pair.standby.value(WAITS)))
            yield
    finally:
        report.close()
        pair.standby.configure(max_standby_streaming_delay=None)
        pair.fleet.wait_caught_up()
        pair.primary.query("DROP TABLE first_hour")


@pytest.mark.integration
def test_the_tutorial_shows_what_is_printed(run: Run, pair: Pair) -> None:
    """`check` names both with the statements to run."""
    with reporting(pair):
        shown = run("check", f"pg-1={pair.primary.dsn(user=AGENT)}", f"pg-2={pair.standby.dsn(user=AGENT)}")
    assert shown.code == 1
    hold(PAGE, 0, shown.out.splitlines())

"""The first hour of somebody new: what the tutorial about servers that are broken already shows is what they see."""

import re
from pathlib import Path

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair

PAGE = Path(__file__).parents[3] / "docs/tutorial/already-broken.md"


def form(text: str) -> list[str]:
    """The lines without the values that differ from run to run."""
    plain = re.sub(r"≤ \S+ s|\d+ min \d+ s|\d+(?:\.\d)? (?:s|min)\b", "TIME", text)
    plain = re.sub(r"\d+(\.\d+)? k?B\b", "SIZE", plain)
    plain = re.sub(r"\b\d+/[0-9A-F]+\b", "LSN", plain)
    plain = re.sub(r"\b\d{2}\.\d+\b|\bpid \d+|pid = \d+|backend\(\d+\)", "NUMBER", plain)
    return [" ".join(line.split()) for line in plain.strip().splitlines()]


@pytest.mark.integration
def test_the_tutorial_shows_what_is_printed(run: Run, pair: Pair) -> None:
    """A report holds a snapshot, a limit was lifted, and `check` names both with the statements to run."""
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
            eventually(
                "replay waits",
                lambda: bool(pair.standby.value("SELECT pg_last_wal_replay_lsn() < pg_last_wal_receive_lsn()")),
            )
            shown = run("check", f"pg-1={pair.primary.dsn(user=AGENT)}", f"pg-2={pair.standby.dsn(user=AGENT)}")
    finally:
        report.close()
        pair.standby.configure(max_standby_streaming_delay=None)
        pair.fleet.wait_caught_up()
        pair.primary.query("DROP TABLE first_hour")
    assert shown.code == 1
    page = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    assert form(shown.out) == form(page)

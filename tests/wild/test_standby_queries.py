"""Queries on a standby and its replay: each can hold up the other."""

import psycopg
import pytest

from leadline_lab.sandbox.fleet import AGENT, Fleet
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.wild.conftest import Wild

KEEP = {"wal_keep_size": "64MB"}
REPLAY_WAITS = "SELECT 1 FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event IN ({})"
DUMP = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t"


def dumped(fleet: Fleet, delay: str) -> tuple[Server, Server]:
    """A pair with a table, idle, where queries on the standby may delay replay for so long."""
    primary = fleet.primary("pg-1", KEEP)
    standby = fleet.standby("pg-2", primary, settings={**KEEP, "max_standby_streaming_delay": delay})
    primary.execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n")
    eventually("it has the table", lambda: bool(standby.query("SELECT 1 FROM pg_class WHERE relname = 't'")))
    return primary, standby


@pytest.mark.quick
@pytest.mark.situation(
    122,
    "check while a dump on the standby blocks replay",
    "cityofaustin/atd-data-tech#11380",
    "EnterpriseDB/repmgr#318",
)
@pytest.mark.parametrize("delay", ["-1", "10min"])
@pytest.mark.parametrize(
    ("change", "waits"),
    [(("TRUNCATE t",), "'relation'"), (("DELETE FROM t", "VACUUM t"), "'RecoveryConflictSnapshot', 'BufferPin'")],
    ids=["lock", "snapshot"],
)
def test_check_while_a_dump_blocks_replay(
    wild: Wild, run: Run, delay: str, change: tuple[str, ...], waits: str
) -> None:
    """The primary writes little and is idle then: one look names the session, by what replay waits for."""
    with Fleet(plain=True, slots=False) as fleet:
        primary, standby = dumped(fleet, delay)
        dsns = [each.dsn(user=AGENT) for each in (primary, standby)]
        with psycopg.connect(standby.dsn(user="postgres", application_name="pg_dump"), autocommit=True) as dump:
            dump.execute(DUMP)
            assert run("check", *dsns).code == 0, "a dump that blocks nothing is no problem"
            primary.execute(*change)
            eventually("replay waits", lambda: bool(standby.query(REPLAY_WAITS.format(waits))))
            wild.begins()
            result = run("check", *dsns)
            assert result.code == 1, result.out
            assert f"pid {dump.info.backend_pid} on 127.0.0.1:{standby.port}" in result.out
            assert "max_standby_streaming_delay = " in result.out
            wild.answers(next(line for line in result.out.splitlines() if line.startswith("cause")))
        eventually("replay goes on", lambda: not standby.query(REPLAY_WAITS.format(waits)))
        assert run("check", *dsns).code == 0

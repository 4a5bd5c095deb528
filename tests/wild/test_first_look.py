"""Lag from before the first look: known within bounds, and shown so."""

import json
import threading

import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.commands import Run
from tests.fixtures.fleets import Pair
from tests.wild.conftest import Wild
from tests.wild.watching import Watching

IDLE_S = 12.0


@pytest.mark.quick
@pytest.mark.situation(30, "First look at a standby that was idle before", "check_pgactivity#201", "netdata#13387")
def test_lag_after_an_idle_time(wild: Wild, run: Run, pair: Pair) -> None:
    """Nothing was committed for a while; then replay is paused and rows are written a moment before looking begins."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    pair.primary.query("CREATE TABLE IF NOT EXISTS first_look (n int)")
    pair.fleet.wait_caught_up()
    threading.Event().wait(IDLE_S)
    pair.standby.query("SELECT pg_wal_replay_pause()")
    try:
        eventually("replay is paused", lambda: pair.standby.value("SELECT pg_get_wal_replay_pause_state()") == "paused")
        pair.primary.query("INSERT INTO first_look SELECT generate_series(1, 20000)")
        wild.begins()
        shown = run("check", *dsns).out
        assert "≤ " in shown
        (link,) = [row for row in _json(run, *dsns) if row["kind"] == "link"]
        assert link["lag_is_bound"]
        assert link["lag_s"] >= IDLE_S - 2.0
        assert link["lag_at_least_s"] < 3.0
        assert link["lag_bytes"] > 100_000
        wild.answers(f"≤ {link['lag_s']:.1f} s, {link['lag_bytes']} bytes behind")
        with Watching(
            *dsns, for_s=0.0, rules={"replication_lag": {"warning": 8.0}, "lag_forecast": {"for_s": 0.0}}
        ) as now:
            now.look(6)
            assert now.links[0].lag_is_bound
            assert not now.pending & {"replication_lag", "lag_forecast", "replication_stalled"}, now.history()
    finally:
        pair.standby.query("SELECT pg_wal_replay_resume()")
        pair.primary.query("DROP TABLE first_look")


@pytest.mark.quick
@pytest.mark.situation(30, "First look at an idle pair", "check_pgactivity#201")
def test_an_idle_pair_has_no_lag(wild: Wild, run: Run, pair: Pair) -> None:
    """The age of the last commit is no lag."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    pair.fleet.wait_caught_up()
    threading.Event().wait(IDLE_S)
    (link,) = [row for row in _json(run, *dsns) if row["kind"] == "link"]
    assert (link["lag_s"], link["lag_is_bound"]) == (0.0, False)
    # Each 15 s the primary writes a record of its own, and a standby that replays it while we look is healthy.
    assert link["verdict"] in {"idle", "healthy"}
    wild.raises_nothing()


def _json(run: Run, *dsns: str) -> list[dict[str, object]]:
    result = run("check", *dsns, "--format", "json")
    return [json.loads(line) for line in result.out.splitlines()]

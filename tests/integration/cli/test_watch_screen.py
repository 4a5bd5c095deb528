"""`leadline watch` as it is seen in a terminal: small and wide, and on the page that shows it."""

import sys
from pathlib import Path

import pytest

from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Pair
from tests.fixtures.pages import ROOT, hold
from tests.fixtures.terminal import Terminal, whole

PAGE = ROOT / "docs/tutorial/break-a-standby.md"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 50)])
def test_a_paused_replay(pair: Pair, tmp_path: Path, columns: int, lines: int) -> None:
    """Cause and fix without scrolling; healthy before it and after it; `q` ends it with the last picture."""
    dsns = [f"{server.name}={server.dsn(user=AGENT)}" for server in (pair.primary, pair.standby)]
    command = [sys.executable, "-m", "leadline_cli", "watch", "--for", "5", *dsns]
    name = f"screen_{columns}"
    with Terminal(command, columns, lines, tmp_path, TMPDIR=str(tmp_path)) as terminal:
        before = terminal.until("both are shown", lambda text: "standby" in text and "pg-1 → pg-2" in text, 40.0)
        assert "cause" not in whole(before)
        pair.standby.query("SELECT pg_wal_replay_pause()")
        try:
            pair.primary.query(f"CREATE TABLE {name} AS SELECT generate_series(1, 10000)")
            seen = terminal.until("the fix is shown", lambda text: "pg_wal_replay_resume();" in text, 40.0)
            # The first picture of an incident may be of the moment before its timeline is there.
            eventually("it is complete", lambda: "timeline" in "\n".join(terminal.lines) or columns == 80, 20.0)
            seen = terminal.lines
        finally:
            pair.standby.query("SELECT pg_wal_replay_resume()")
            pair.primary.query(f"DROP TABLE IF EXISTS {name}")
        text = whole(seen)
        assert "replay on pg-2 was paused by a person" in text
        assert "replay on pg-2 is paused by pg_wal_replay_pause(); nothing is applied until it is resumed" in text
        assert ("On pg-2:" in text, "PAUSED" in text) == (True, True)
        assert max(map(len, seen)) <= columns
        if columns == 80:  # below the nodes are the alerts, of which some come and go
            alerts = next(number for number, line in enumerate(seen) if line.startswith("alert"))
            hold(PAGE, 0, seen[:alerts])
        terminal.press("n\r")
        close = terminal.until("one link is looked at closely", lambda text: "seen from" in text, 20.0)
        assert "pg-2 standby, up" in whole(close)
        terminal.press("\x1b/pg-2\r")
        terminal.until("the others are hidden", lambda text: "only with: pg-2" in text, 20.0)
        terminal.press("q")
        assert terminal.wait(30) == 130

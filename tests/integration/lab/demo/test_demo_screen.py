"""`make demo` in a terminal of 80 columns and 24 lines: what somebody sees who touches nothing."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fixtures.terminal import Terminal, whole


@pytest.mark.timeout(330)
def test_cause_and_fix_are_on_the_screen() -> None:
    """The whole cause, its statement, and the time, at once and without scrolling; then that it is over."""
    with TemporaryDirectory(prefix="leadline-test-") as name:
        Path(name).chmod(0o755)
        command = [sys.executable, "-m", "leadline_cli", "demo", "--exit"]
        with Terminal(command, 80, 24, Path(name), TMPDIR=name) as terminal:
            seen = terminal.until("the cause is shown", lambda text: "│ fix " in text, 200.0)
            text = whole(seen)
            assert "standby_query_blocks_replay" in text, "\n".join(seen)
            assert "holds a snapshot that replay on pg-2 waits for" in text, "\n".join(seen)
            assert "ALTER SYSTEM SET max_standby_streaming_delay" in text, "\n".join(seen)
            assert "pg_terminate_backend(" in text, "\n".join(seen)
            assert max(map(len, seen)) <= 80
            assert terminal.wait(200) == 0

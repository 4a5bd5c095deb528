"""`leadline incidents follow` over a real incident log, which goes away and comes back."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

import pytest

from leadline.clock import SystemClock
from leadline_lab.sandbox.postgres import Server
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.incident_logs import write_log
from tests.unit.sinks import made

COMMAND = (sys.executable, "-m", "leadline_cli", "incidents", "follow", "--format", "json")


@contextmanager
def following(folder: Path) -> Iterator[tuple[Path, Path, subprocess.Popen[bytes]]]:
    """Its output and errors in files, and the process."""
    out, errors = folder / "out", folder / "errors"
    with (
        out.open("wb") as one,
        errors.open("wb") as other,
        subprocess.Popen(COMMAND, stdout=one, stderr=other) as process,
    ):
        try:
            yield out, errors, process
        finally:
            process.kill()


def test_each_change_is_a_line(empty_log: str, log_server: Server, tmp_path: Path) -> None:
    """The open one at the start, a change while it runs, the end, and a server that was away meanwhile."""
    write_log(empty_log, made.incident(severity="warning"))
    with following(tmp_path) as (out, errors, process):

        def seen() -> list[list[str]]:
            return [json.loads(line)["changes"] for line in out.read_text().splitlines()]

        eventually("the open incident is there", lambda: len(seen()) == 1, 60)
        assert seen()[0] == ["open, warning", f"cause {made.incident().causes[0].code}"]
        write_log(empty_log, made.incident(seq=2, severity="critical"))
        eventually("it is worse", lambda: seen()[1:] == [["critical, was warning"]], 60)
        log_server.stop()
        eventually("the loss is reported", lambda: "trying again" in errors.read_text(), 60)
        log_server.start()
        write_log(
            empty_log, made.incident(seq=3, severity="critical", state="resolved", resolved_at=SystemClock().now())
        )
        eventually("it is over", lambda: len(seen()) == 3, 60)
        assert seen()[2][0].startswith("resolved after ")
        assert "answers again" in errors.read_text()
        process.send_signal(SIGINT)
        assert process.wait(30) == 0


@pytest.mark.usefixtures("empty_log")
def test_a_server_that_is_away_at_the_start_is_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported once."""
    monkeypatch.setenv("LEADLINE_INCIDENT_LOG_DSN", "host=127.0.0.1 port=1 dbname=none")
    with following(tmp_path) as (_, errors, process):
        eventually("the loss is reported", lambda: "trying again" in errors.read_text(), 60)
        process.send_signal(SIGINT)
        assert process.wait(30) == 0
    assert len(errors.read_text().splitlines()) == 1

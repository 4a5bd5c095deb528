"""`leadline watch` that notifies people, on real servers: its messages work as they are printed, also after it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leadline_lab.receiver.pagerduty import alerts
from leadline_lab.receiver.server import Receiver
from leadline_lab.sandbox.fleet import AGENT
from leadline_lab.sandbox.wait import eventually
from tests.fixtures.fleets import Pair
from tests.integration.cli.test_watch import Watch
from tests.wild.conftest import Wild


@pytest.mark.situation(28, "A watch that paged is stopped while the problem goes on", "grafana#68162", "first-hour B10")
def test_a_watch_that_paged_is_stopped(wild: Wild, pair: Pair, tmp_path: Path) -> None:
    """The command in the message acknowledges the incident; at its end, the watch prints what closes the page."""
    dsns = pair.primary.dsn(user=AGENT), pair.standby.dsn(user=AGENT)
    with Receiver() as receiver:
        watch = Watch(tmp_path, *dsns, "--for", "3", **receiver.environment)
        try:
            watch.until_healthy(60.0)
            pair.standby.query("SELECT pg_wal_replay_pause()")
            for target in ("slack", "pagerduty"):
                watch.until(f"{target} is notified", "delivery", 60.0, target=target, outcome="sent", occasion="opened")
            blocks = next(e.payload["blocks"] for e in receiver.events if e.kind == "post")
            command = str(blocks[-1]["elements"][0]["text"]).removeprefix("Acknowledge: `").removesuffix("`")
            leadline = f"{sys.executable} -m leadline_cli"
            subprocess.run(
                ["sh", "-c", command.replace("leadline", leadline, 1)], env=os.environ, check=True, timeout=60
            )
            eventually("it is acknowledged", lambda: alerts(receiver.events)[0].state == "acknowledged", 30.0)
            wild.begins()
            assert watch.end() == 130
            (incident,) = {line["incident_id"] for line in watch.of("incident")}
            printed = (tmp_path / "watch.err").read_text()
            first, *lines = ("still open: " + printed.partition("still open: ")[2]).splitlines()
            assert first.endswith(f"({incident}); to close it there:")
            close = next(line for line in lines if line.startswith("  pagerduty: ")).removeprefix("  pagerduty: ")
            subprocess.run(["sh", "-c", close], env={**os.environ, **receiver.environment}, check=True, timeout=60)
            assert [each.state for each in alerts(receiver.events)] == ["resolved"]
            assert any(line.startswith("  slack: reply to its message") for line in lines)
            wild.answers("the command that resolves its page, and where its message is")
        finally:
            pair.standby.query("SELECT pg_wal_replay_resume()")
            watch.process.kill()
            watch.process.wait()

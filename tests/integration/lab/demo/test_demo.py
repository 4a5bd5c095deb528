"""`leadline demo` without a terminal: to its end, by real processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from leadline_lab.demo.postmortem import LOST
from leadline_lab.sandbox.guard import descendants
from leadline_lab.sandbox.wait import eventually
from tests.require import need

RUNS_S = 300
"""It takes about a minute on an idle machine."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user that runs PostgreSQL for root can reach, which pytest's own folders are not."""
    with TemporaryDirectory(prefix="leadline-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The command with its output in a pipe and everything temporary below ``folder``; killed at the end."""
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "leadline_cli", "demo", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        cwd=folder,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(RUNS_S + 30)
def test_the_outage_is_injected_observed_and_repaired(folder: Path) -> None:
    """Exit code 0, a report in which every step was observed, a draft beside it, and nothing else left behind."""
    with demo(folder, "--report", "demo-report.json", "--pictures", ".") as process:
        out, _ = process.communicate(timeout=RUNS_S)
    assert process.returncode == 0, out
    report = json.loads((folder / "demo-report.json").read_bytes())
    assert report["ok"] is True
    assert report["steps_observed"] == report["steps"] == 8
    assert report["cause"] == report["expected_cause"] == "standby_query_blocks_replay"
    assert "max_standby_streaming_delay on pg-2 was changed from 30s to -1 (unlimited)" in report["cause_summary"]
    assert (report["pages_sent"], report["slack_messages"], report["incident_rows"]) == (2, 2, 2)
    first, second = report["incidents"]
    assert first["cause"] == report["cause"]
    assert "data_divergence" in second["rules"]
    assert {second["cause"], *second["also"]} >= {"subscriber_duplicate_key", "transaction_skipped"}
    assert report["slack_edits"] >= 2
    assert 0 < report["detected_after_s"] <= report["cause_named_after_s"] <= report["paged_after_s"] < 60
    assert report["resolved_after_fix_s"] > 0
    assert report["rows_lost_found_after_s"] > 0
    assert "fsync" not in out
    draft = (folder / "demo-postmortem.md").read_text()
    assert report["postmortem"] == "demo-postmortem.md"
    for part in ("max_standby_streaming_delay", "## Timeline", "pg_terminate_backend"):
        assert part in draft
    draft = (folder / "demo-postmortem-2.md").read_text()
    for part in ("`data_divergence`", "`transaction_skipped`", LOST):
        assert part in draft
    for part in (
        "action    on pg-2: ALTER SYSTEM",
        "PagerDuty received a page",
        "all 3 links are healthy\n",
        "leadline verify pg-1=... pg-4=... --table public.orders --repair-sql",
        """UPDATE "public"."orders" SET "note" = 'remote'""",
        "Slack received a message",
        "leadline watch",
        "other commands, after `export LEADLINE_KAFKA_BOOTSTRAP=127.0.0.1:",
    ):
        assert part in out
    assert "\x1b" not in out
    need(shutil.which("chromium") is not None, "Chromium: apt-get install chromium")
    pictures = list(folder.glob("demo-console-*.png"))
    assert pictures
    assert all(each.stat().st_size > 10_000 and f"wrote  {each.name}\n" in out for each in pictures)
    drafts = {"demo-postmortem.md", "demo-postmortem-2.md"}
    shown = {each.name for each in pictures}
    assert {path.name for path in folder.iterdir()} == {"demo-report.json", *drafts, *shown, "tmp"}
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.timeout(RUNS_S)
def test_killed_it_leaves_nothing(folder: Path) -> None:
    """A demo that is killed by SIGKILL leaves no server, no part of Leadline and no file behind."""
    with demo(folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "action    on pg-1: pgbench starts" in line:
                break
        children = descendants(process.pid)
        process.kill()
        process.wait()
    assert len(children) > 40  # five servers, four agents, stream, sink, receiver, verifier, and their guards
    eventually("all are gone", lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in children), 60.0)
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--scenario", "postmorten"), "there is no scenario 'postmorten'; choose one of: postmortem"),
        (("--report", "nowhere/report.json"), "nowhere is not a writable folder; create it first"),
    ],
)
def test_wrong_use_starts_nothing(folder: Path, arguments: tuple[str, ...], why: str) -> None:
    """Exit code 2, one line."""
    with demo(folder, *arguments) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert why in out

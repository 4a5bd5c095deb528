"""`leadline doctor` where nothing answers."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline.settings.agent import SpoolSettings
from leadline_cli.checks import spool_of
from leadline_lab.sandbox.port import Port
from tests.fixtures.commands import Run

AGENT = """
instances:
  - {{dsn: "postgresql://leadline:hunter2@127.0.0.1:{port}/postgres", name: pg-1, cluster: orders}}
kafka: {{bootstrap: "127.0.0.1:{port}"}}
spool: {{path: {spool}}}
"""


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that nobody listens on."""
    with Port() as port:
        yield port.number


def test_nothing_answers(run: Run, tmp_path: Path, nobody: int) -> None:
    """Each thing that does not answer has its row with what to do; the exit code is 3, and no password is shown."""
    path = tmp_path / "agent.yaml"
    path.write_text(AGENT.format(port=nobody, spool=tmp_path / "spool"))
    result = run("doctor", "-c", path, "--format", "json")
    found = {line.pop("subject"): line for line in map(json.loads, result.out.splitlines())}
    assert result.code == 3
    assert result.err == "leadline: 2 of 3 checks failed, 2 of them without an answer\n"
    assert found["kafka"]["result"] == found["orders/pg-1"]["result"] == "unreachable"
    assert found["kafka"]["said"].endswith("connection refused; start it, or set kafka.bootstrap")
    assert found["orders/pg-1"]["said"].startswith("refused: ")
    assert found["spool"]["result"] == "ok"
    text = run("doctor", "-c", path)
    assert "unreachable" in text.out
    assert "hunter2" not in result.out + result.err + text.out + text.err


def test_a_spool_that_cannot_be_written(tmp_path: Path) -> None:
    """A missing directory, a directory in the file's place and a full disk have a message each, with what to do."""
    missing = spool_of(SpoolSettings(path=str(tmp_path / "no" / "spool")))
    assert (missing.check, missing.result) == ("writable", "fail")
    assert missing.detail.startswith(f"spool.path {tmp_path}/no/spool: No such file or directory; create its directory")
    assert "Is a directory" in spool_of(SpoolSettings(path=str(tmp_path))).detail
    full = spool_of(SpoolSettings(path=str(tmp_path / "spool"), max_bytes=10**18))
    assert (full.result, full.detail.endswith("less than spool.max_bytes")) == ("fail", True)
    assert list(tmp_path.iterdir()) == []

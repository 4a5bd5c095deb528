"""`leadline sink` where it cannot start."""

from pathlib import Path

import pytest

from tests.fixtures.commands import Run


def test_no_target(run: Run) -> None:
    """Without a target it says what to set: exit code 2."""
    result = run("sink")
    assert (result.code, result.out) == (2, "")
    assert "no target is configured, so nobody would be notified; set one of slack, " in result.err


def test_an_unknown_target(run: Run, tmp_path: Path) -> None:
    """The error lists the names that exist."""
    (tmp_path / "sink.yaml").write_text("console: {enabled: true}")
    result = run("sink", "slack", "-c", tmp_path / "sink.yaml")
    assert (result.code, result.err) == (2, "leadline: no target is named 'slack'; configured are: console\n")


def test_no_kafka(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Kafka there is nothing to tell: exit code 3."""
    monkeypatch.setenv("LEADLINE_KAFKA_BOOTSTRAP", "localhost:1")
    monkeypatch.setenv("LEADLINE_CONSOLE_ENABLED", "true")
    result = run("sink")
    assert (result.code, result.out) == (3, "")
    assert result.err.endswith("connection refused; start it, or set kafka.bootstrap\n")

"""`leadline config`: verdicts, origins, and no secret on any stream."""

import json
from pathlib import Path

import pytest

from tests.fixtures.commands import Run

FILES = Path(__file__).parents[1] / "settings"
SECRET = "hunter2"


def test_a_good_file(run: Run) -> None:
    """The process that the file is for is recognized."""
    path = FILES / "good-agent-all.yaml"
    assert run("config", "check", "-c", path).out == f"{path}: settings of `leadline agent`, no problem found\n"


def test_a_bad_file(run: Run) -> None:
    """Every problem is on standard error, for programs also as objects; the exit code is 2."""
    path = FILES / "bad-missing.yaml"
    result = run("config", "check", "-c", path)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("leadline: 2 problems:\n")
    assert f"  {path}:5: instances[0].dsn: missing; give dsn or dsn_file: text\n" in result.err
    found = [json.loads(line) for line in run("config", "check", "-c", path, "--format", "json").out.splitlines()]
    assert found[0] == {
        "where": f"{path}:5",
        "setting": "instances[0].dsn",
        "problem": "missing; give dsn or dsn_file: text",
    }


def test_a_rule_that_does_not_exist(run: Run, tmp_path: Path) -> None:
    """Names of rules are checked against the rules."""
    path = tmp_path / "stream.yaml"
    path.write_text("rules: {replication_lagg: {warning: 1}}")
    result = run("config", "check", "-c", path)
    assert result.code == 2
    assert "rules.replication_lagg: there is no such rule; did you mean replication_lag" in result.err


def test_what_holds(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting with its value and origin; secrets are masked."""
    monkeypatch.setenv("LEADLINE_KAFKA_TOPIC_PREFIX", "us.")
    path = FILES / "good-agent-all.yaml"
    result = run("config", "show", "-c", path, "--format", "json")
    shown = {line["setting"]: (line["value"], line["from"]) for line in map(json.loads, result.out.splitlines())}
    assert shown["kafka.topic_prefix"] == ("us.", "LEADLINE_KAFKA_TOPIC_PREFIX")
    assert shown["instances[0].dsn"] == ("***", f"{path}:3")
    assert shown["kafka.sasl.password"] == ("***", f"{path}:23")
    assert shown["metrics.address"] == ("0.0.0.0", f"{path}:31")
    assert shown["log.format"] == ("json", f"{path}:34")
    text = run("config", "show", "-c", path)
    assert "kafka.topic_prefix" in text.out
    assert SECRET not in result.out + text.out


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(FILES.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("command", ["check", "show"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_printed(run: Run, path: Path, command: str, form: str) -> None:
    """No secret of a file is in any output."""
    result = run("--debug", "config", command, "-c", path, "--format", form)
    assert result.code in (0, 2)
    assert SECRET not in result.out + result.err


def test_which_process(run: Run) -> None:
    """Settings that fit several processes need --process."""
    result = run("config", "check")
    assert result.code == 2
    assert "give --process agent or stream" in result.err
    assert run("config", "check", "--process", "stream").code == 0


def test_the_schema_is_json(run: Run) -> None:
    """Editors get one JSON document."""
    schema = json.loads(run("config", "schema", "--process", "agent").out)
    assert "InstanceSettings" in schema["$defs"]

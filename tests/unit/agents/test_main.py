"""``python -m leadline_agents``: the agent as units of systemd start it."""

from pathlib import Path

import pytest

from leadline.errors import ExitCode
from leadline_agents.__main__ import main

DEPLOY = Path(__file__).parents[3] / "deploy" / "systemd"


@pytest.mark.parametrize("args", [[], ["-c"], ["agent.yaml"], ["-x", "agent.yaml"]])
def test_wrong_use_is_one_line(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """It has one option."""
    assert main(args) == ExitCode.USAGE
    assert capsys.readouterr().err == "leadline: usage: python -m leadline_agents -c FILE\n"


def test_wrong_settings_are_lines_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the command reports them."""
    file = tmp_path / "agent.yaml"
    file.write_text("instances:\n  - {dsn: 'host=a password=hunter2 x', name: pg-1, cluster: c}\nwire: none\n")
    assert main(["-c", str(file)]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "wire" in error
    assert "hunter2" not in error
    assert all(line.startswith("leadline: ") for line in error.splitlines())


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("leadline-agent*.service")), ids=lambda unit: unit.name)
def test_the_units_start_it(unit: Path) -> None:
    """One agent for a host, one for each name."""
    (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    assert start.startswith("ExecStart=/opt/leadline/bin/python -m leadline_agents -c /etc/leadline/agent")

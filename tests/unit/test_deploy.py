"""The files under deploy use settings and commands that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.settings.load import load
from leadline.settings.processes import PROCESSES
from leadline_cli.main import COMMANDS

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("leadline:")}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KNOWN = {name for section in COMMANDS.values() for name in section}


def filled(text: str) -> str:
    """A value with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


@pytest.mark.parametrize("name", OURS)
def test_compose_runs_commands_with_settings_that_exist(name: str) -> None:
    """Each of our services is a command whose settings load from its environment, and no variable goes unread."""
    service = OURS[name]
    command = service["command"][0]
    assert command in KNOWN
    environ = {key: filled(value) for key, value in service["environment"].items()}
    process = command if command in PROCESSES else "stream"
    loaded = load(PROCESSES[process], None, environ)
    assert {key for key, value in environ.items() if value} == set(loaded.origins.values())


def test_compose_pins_what_it_pulls() -> None:
    """The same images are pulled on another day."""
    images = [service["image"] for service in COMPOSE["services"].values()]
    assert [image for image in images if not re.fullmatch(r".+:(v?[\d.]+|local)", image)] == []


def test_compose_mounts_files_that_exist() -> None:
    """Files and folders that are mounted from the repository are in it."""
    mounts = [mount.split(":")[0] for service in COMPOSE["services"].values() for mount in service.get("volumes", ())]
    assert [path for path in mounts if path.startswith("./") and not (DEPLOY / path).exists()] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_that_exist(unit: Path) -> None:
    """The command, or the template's instances that the unit names."""
    text = unit.read_text()
    (found,) = re.findall(r"^ExecStart=\S+/(?:leadline (\S+)|python -m leadline_(agent)s )", text, re.MULTILINE)
    command = "".join(found)
    named = set(re.findall(r"leadline@(\w+)", text)) if command == "%i" else {command}
    assert named
    assert named <= set(PROCESSES)

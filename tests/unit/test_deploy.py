"""What is deployed fits the product: settings that exist, commands that exist, rights that suffice and no more."""

import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.cli.main import COMMANDS
from leadline.settings.load import load
from leadline.settings.processes import PROCESSES
from leadline.topics import TOPICS
from tests.require import need
from tests.unit.test_docs import rows

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"].startswith("leadline:")}
UNITS = sorted((DEPLOY / "systemd").iterdir())
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
    """Another day brings the same images."""
    images = [service["image"] for service in COMPOSE["services"].values()]
    assert [image for image in images if not re.fullmatch(r".+:([\d.]+|local)", image)] == []


def test_compose_mounts_files_that_exist() -> None:
    """What is mounted from here is here."""
    mounts = [mount.split(":")[0] for service in COMPOSE["services"].values() for mount in service.get("volumes", ())]
    assert [path for path in mounts if path.startswith("./") and not (DEPLOY / path).exists()] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_locked_down(unit: Path) -> None:
    """systemd's own rating is far better than its 2.0, which it calls OK."""
    need(shutil.which("systemd-analyze") is not None, "systemd-analyze: apt install systemd")
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_commands_that_exist(unit: Path) -> None:
    """The command, or the template's instances that the unit names."""
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=\S+/leadline (\S+)", text, re.MULTILINE)
    named = set(re.findall(r"leadline@(\w+)", text)) if command == "%i" else {command}
    assert named
    assert named <= set(PROCESSES)


def test_rights_in_kafka_are_those_of_the_topics_page() -> None:
    """Who writes and reads which topic is said once on the page; the grants are the same."""
    granted: dict[tuple[str, str], set[str]] = defaultdict(set)
    printed = subprocess.run([DEPLOY / "kafka/acls.sh", "kafka:9092"], capture_output=True, text=True, check=True)
    for line in printed.stdout.splitlines():
        words = shlex.split(line)
        who = words[words.index("--allow-principal") + 1].removeprefix("User:leadline-")
        topics = {words[at + 1].removeprefix("leadline.") for at, word in enumerate(words) if word == "--topic"}
        granted[who, words[words.index("--operation") + 1]] |= topics
    page = {name.removeprefix("leadline."): cells for name, cells in rows("reference/topics.md").items() if "." in name}
    for role, word in {"agent": "agents", "stream": "streams?", "sink": "sinks", "people": "people"}.items():
        writes = {topic for topic, cells in page.items() if re.search(rf"\b{word}\b", cells[3])}
        reads = {topic for topic, cells in page.items() if re.search(rf"\b{word}\b", cells[4])}
        assert granted[role, "Write"] == writes, role
        assert granted[role, "Read"] == reads, role
        assert granted[role, "Describe"] == set(TOPICS), role

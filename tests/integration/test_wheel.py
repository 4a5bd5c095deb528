"""The wheel as a database host gets it: the base install, in an environment of its own."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.fixtures.built import build_wheel
from tests.fixtures.once import of_this_run, once

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "leadline": ROOT / "leadline",
    "leadline_agents": ROOT / "agents/leadline_agents",
    "leadline_streams": ROOT / "streams/leadline_streams",
    "leadline_sinks": ROOT / "sinks/leadline_sinks",
    "leadline_verify": ROOT / "verify/leadline_verify",
    "leadline_console": ROOT / "console/leadline_console",
    "leadline_lab": ROOT / "lab/leadline_lab",
    "leadline_cli": ROOT / "cli/leadline_cli",
}
EVERY_MODULE_OF_AN_AGENT = """
import importlib, pkgutil, leadline, leadline_agents
for package in (leadline, leadline_agents):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "leadline.web_server":  # the server of the other roles, with their extras
            importlib.import_module(module.name)
"""

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd="/")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built distribution."""
    return build_wheel(tmp_path_factory)


@pytest.fixture(scope="module")
def root(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the files of a database host, on which the agent was installed for systemd."""

    def install(folder: Path) -> None:
        command = [ROOT / "deploy/systemd/install.sh", wheel, "agent"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DESTDIR": str(folder)})
        assert done.returncode == 0, done.stdout + done.stderr

    return once(of_this_run(tmp_path_factory) / "root", install)


@pytest.fixture(scope="module")
def host(root: Path) -> Path:
    """The programs there: the base install and nothing else."""
    return root / "opt/leadline/bin"


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    """Code, SQL, type markers and all else that is in the packages, and nothing from beside them."""
    sources = {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    sources |= {f"leadline/runbook_pages/{path.name}" for path in (ROOT / "docs/runbooks").glob("*.md")}
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert inside == sources
    assert {f"{name}/py.typed" for name in PACKAGES} <= inside
    assert [name for name in inside if name.startswith("leadline_agents/") and name.endswith(".sql")]


def test_an_agent_starts_from_the_base_install(host: Path) -> None:
    """The agent's command is there and says how it is used."""
    done = run(host / "leadline", "agent", "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: leadline agent" in done.stdout


def test_runbooks_are_installed(host: Path) -> None:
    """The page of a rule is shown where there is no checkout."""
    done = run(host / "leadline", "runbook", "replication_lag")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "docs/runbooks/replication_lag.md").read_text()


@pytest.mark.parametrize("module", ["faust", "confluent_kafka", "httpx"])
def test_the_base_install_is_small(host: Path, module: str) -> None:
    """A database host gets nothing that only the other roles need."""
    done = run(host / "python", "-c", f"import {module}")
    assert f"No module named '{module}'" in done.stderr


def test_every_module_of_an_agent_imports(host: Path) -> None:
    """No module on a database host reaches for an extra at import."""
    done = run(host / "python", "-c", EVERY_MODULE_OF_AN_AGENT)
    assert done.returncode == 0, done.stderr


def test_the_unit_names_paths_that_exist(root: Path) -> None:
    """The program, the settings and the manual page; what the unit says to run has a completion, too."""
    unit = (root / "etc/systemd/system/leadline-agent.service").read_text()
    (python, module, settings) = re.findall(r"^ExecStart=(\S+) -m (\S+) -c (\S+)$", unit, re.MULTILINE)[0]
    program = str(Path(python).parent / "leadline")
    for path in (python, program, settings, "/usr/local/share/man/man1/leadline-agent.1"):
        assert (root / path.removeprefix("/")).is_file(), path
    started = run(root / python.removeprefix("/"), "-m", module, "-c", "/nowhere")
    assert (started.returncode, started.stderr.count("cannot read the settings")) == (2, 1)
    assert (root / "usr/local/bin/leadline").readlink() == Path(program)
    assert (root / "etc/systemd/system/leadline-agent@.service").is_file()
    assert "_leadline_completion" in (root / "usr/local/share/bash-completion/completions/leadline").read_text()
    done = run(root / program.removeprefix("/"), "config", "check", "-c", root / settings.removeprefix("/"))
    assert done.returncode == 0, done.stderr


def test_stream_and_sink_are_installed_from_one_unit(wheel: Path, tmp_path: Path) -> None:
    """Their programs, with what they need, and settings that hold."""
    command = [ROOT / "deploy/systemd/install.sh", wheel, "stream", "sink"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DESTDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    unit = (tmp_path / "etc/systemd/system/leadline@.service").read_text()
    assert not (tmp_path / "etc/systemd/system/leadline-agent.service").exists()
    (program, settings) = re.findall(r"^ExecStart=(\S+) %i -c (\S+)$", unit, re.MULTILINE)[0]
    for role in ("stream", "sink"):
        file = settings.replace("%i", role)
        checked = run(tmp_path / program.removeprefix("/"), "config", "check", "-c", tmp_path / file.removeprefix("/"))
        assert checked.returncode == 0, checked.stderr
        started = run(tmp_path / program.removeprefix("/"), role, "-c", "/nowhere")
        assert (started.returncode, started.stderr.count("cannot read the settings")) == (2, 1)


def test_a_missing_extra_is_named(host: Path) -> None:
    """In a command that can be run."""
    done = run(host / "leadline", "watch", "host=127.0.0.1 port=1")
    assert done.returncode == 2
    assert "pip install 'leadline[watch]'" in done.stderr


def test_a_look_needs_no_extra(host: Path) -> None:
    """`leadline check` judges in its own process, without a broker: here of a server that does not answer."""
    done = run(host / "leadline", "check", "host=127.0.0.1 port=1")
    assert (done.returncode, "no server can be read" in done.stderr) == (3, True)

"""The image, built from deploy/Dockerfile without a container engine, and Leadline run in it as a container would.

No registry is reachable from everywhere, so the image that ours begins with is made from the packages of Debian, under
its name. What a container engine adds, namespaces and limits, is not tried.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadline import __version__
from leadline_lab.sandbox.fleet import AGENT
from tests.fixtures.fleets import Pair
from tests.fixtures.once import once
from tests.fixtures.pages import ROOT
from tests.require import need

CACHE = ROOT / "build" / "image"
BASE = "docker.io/library/python:3.13-slim"
SOURCES = Path("/etc/apt/sources.list.d/debian.sources")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def buildah(*arguments: str | Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run Buildah on a storage of our own."""
    own = ("--root", CACHE / "storage", "--runroot", CACHE / "run", "--storage-driver", "vfs")
    done = subprocess.run(["buildah", *own, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


def _base(folder: Path) -> None:
    """A Debian with Python, as the image of that name."""
    tree = folder / "tree"
    packages = "--include=python3-venv,ca-certificates"
    sources = [str(SOURCES)] if SOURCES.exists() else []
    command = ["mmdebstrap", "--quiet", "--variant=minbase", packages, "bookworm", str(tree), *sources]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    (tree / "usr/bin/python").symlink_to("python3")
    container = buildah("from", "scratch").stdout.strip()
    buildah("copy", "-q", container, tree, "/")
    buildah("commit", "-q", "--rm", container, BASE)
    shutil.rmtree(tree)


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    """A container of the image."""
    need(os.geteuid() == 0, "root, to build an image without a container engine")
    need(shutil.which("buildah") is not None, "Buildah: apt-get install buildah")
    need(shutil.which("mmdebstrap") is not None, "a Debian to begin with: apt-get install mmdebstrap")
    once(CACHE / "base", _base)
    mounts = ["-v", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.exists() else []
    file = ROOT / "deploy/Dockerfile"
    buildah(
        *("bud", "--isolation", "chroot", "--pull-never", "-q", *mounts, "-f", file, "-t", "leadline:local"),
        ROOT,
    )
    yield buildah("from", "--pull-never", "leadline:local").stdout.strip()
    # Without a file system of layers each is a copy of all below it.
    buildah("rm", "--all")
    buildah("rmi", "leadline:local")


def run(container: str, *arguments: str, code: int = 0) -> str:
    """Run a command in it, as the image's user and by the image's entry point; its output."""
    config = json.loads(buildah("inspect", container).stdout)["OCIv1"]["config"]
    assert config["User"] == "leadline"
    return buildah("run", "--isolation", "chroot", container, "--", *config["Entrypoint"], *arguments, code=code).stdout


def test_the_image_runs_leadline(container: str, pair: Pair) -> None:
    """Every process finds what it needs; a look from inside works, by a user whose home is all that it may write."""
    assert run(container, "--version") == f"leadline {__version__}\n"
    for process in ("agent", "stream", "sink"):
        assert f"Usage: leadline {process}" in run(container, process, "--help")
    assert run(container, "runbook", "replay_paused") == (ROOT / "docs/runbooks/replay_paused.md").read_text()
    dsns = [f"{server.name}={server.dsn(user=AGENT)}" for server in (pair.primary, pair.standby)]
    shown = run(container, "check", "--format", "json", *dsns)
    rows = [json.loads(line) for line in shown.splitlines()]
    assert {row["name"]: row["health"] for row in rows if row["kind"] == "node"} == {"pg-1": "up", "pg-2": "up"}
    whoami = ("/bin/sh", "-c", "id -un; touch /var/lib/leadline/x; touch /opt/x")
    found = buildah("run", "--isolation", "chroot", container, "--", *whoami, code=1)
    assert (found.stdout, "/opt/x" in found.stderr, "/var/lib" in found.stderr) == ("leadline\n", True, False)

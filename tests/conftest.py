"""Setup of every test run: a clean environment, a header with the versions at hand, markers by folder."""

import gc
import os
import platform
import tempfile
from collections.abc import Generator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import hypothesis
import pytest
from hypothesis import is_hypothesis_test

from tests.fixtures.postgres_versions import at_hand

pytest_plugins = ["tests.fixtures.fleets", "tests.fixtures.brokers"]

TESTS = Path(__file__).parent
MARKED = {"faults", "integration", "wild", "zoo"}
"""Folders whose tests get the marker of the same name."""

MEMORY = "/dev/shm"
"""A file system in memory: a new server is a thousand files, and creating them on a disk takes most of its start."""
ROOM_BYTES = 4 << 30

# The examples of each property test, chosen with --hypothesis-profile. `unit` and `ci` try the same ones at every run,
# so that a failure can be repeated; `deep` tries new ones at every run and prints how to repeat the one that failed.
hypothesis.settings.register_profile("unit", max_examples=12, deadline=None, derandomize=True)
hypothesis.settings.register_profile("ci", max_examples=200, deadline=None, derandomize=True)
hypothesis.settings.register_profile("deep", max_examples=4000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("unit")


def pytest_configure() -> None:
    """Remove variables from the environment that would change Leadline or libpq."""
    for name in list(os.environ):
        ours = name.startswith("LEADLINE_") and not name.startswith(("LEADLINE_REQUIRE", "LEADLINE_TEST_"))
        if ours or name.startswith("PG"):
            del os.environ[name]
    if "TMPDIR" not in os.environ and _has_room(MEMORY):
        os.environ["TMPDIR"] = MEMORY
        tempfile.tempdir = None  # asked for already, by pytest


def pytest_report_header() -> str:
    majors = " ".join(map(str, at_hand())) or "none"
    return f"leadline: Python {platform.python_version()}, PostgreSQL at hand: {majors}, faust {_faust()}"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collected tests live to the end, so the garbage collector need not scan them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TESTS in item.path.parents and (folder := item.path.relative_to(TESTS).parts[0]) in MARKED:
            item.add_marker(folder)
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("deep")


def _has_room(folder: str) -> bool:
    """Whether the folder is writable, has room for many servers, and allows programs to run."""
    if not os.access(folder, os.W_OK):
        return False
    volume = os.statvfs(folder)
    return volume.f_bavail * volume.f_frsize >= ROOM_BYTES and not volume.f_flag & os.ST_NOEXEC


def _faust() -> str:
    try:
        return version("faust-streaming")
    except PackageNotFoundError:
        return "none"

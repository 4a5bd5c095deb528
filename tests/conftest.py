"""What holds for every test: a clean environment, a header that says what is here, markers by folder, one broker."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.fixtures.postgres_versions import at_hand
from tests.require import need

if TYPE_CHECKING:
    from leadline.sandbox.broker import EmbeddedBroker

pytest_plugins = ["tests.fixtures.fleets"]

TESTS = Path(__file__).parent
MARKED = {"integration", "zoo"}
"""Folders whose tests get the marker of the same name."""

# --hypothesis-profile=deep looks for what nobody thought of; fast does the same every time.
hypothesis.settings.register_profile("fast", max_examples=30, deadline=None, derandomize=True)
hypothesis.settings.register_profile("deep", max_examples=2000, deadline=None)
hypothesis.settings.load_profile("fast")


def pytest_configure() -> None:
    """Take from the environment what would change Leadline or libpq."""
    for name in list(os.environ):
        ours = name.startswith("LEADLINE_") and not name.startswith(("LEADLINE_REQUIRE", "LEADLINE_TEST_"))
        if ours or name.startswith("PG"):
            del os.environ[name]


def pytest_report_header() -> str:
    majors = " ".join(map(str, at_hand())) or "none"
    return f"leadline: Python {platform.python_version()}, PostgreSQL at hand: {majors}, faust {_faust()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if TESTS in item.path.parents and (folder := item.path.relative_to(TESTS).parts[0]) in MARKED:
            item.add_marker(folder)


@pytest.fixture(scope="session")
def broker() -> "Iterator[EmbeddedBroker]":
    """One broker in memory for the whole run: use topics and groups with names of your own."""
    need(find_spec("confluent_kafka") is not None, "a broker: pip install 'leadline[demo]'")
    from leadline.sandbox.broker import EmbeddedBroker

    with EmbeddedBroker() as broker:
        yield broker


def _faust() -> str:
    try:
        return version("faust-streaming")
    except PackageNotFoundError:
        return "none"

"""On which versions of PostgreSQL each fault runs.

On 18 each; on 15 those marked ``older``, a handful for a run that is to be short. LEADLINE_TEST_ZOO names versions that
every fault is to run on instead, as ``make zoo`` does: ``18,15``. A fault marked ``since`` needs what that version
brought.
"""

import os
from collections.abc import Sequence

import pytest

NEW, OLD = 18, 15
VARIABLE = "LEADLINE_TEST_ZOO"


def asked_for() -> list[int]:
    """The versions that every fault is to run on; none when the run is to be short."""
    return [int(major) for major in os.environ.get(VARIABLE, "").split(",") if major.strip()]


def majors_of(item: pytest.Function) -> Sequence[int]:
    """The versions for one test."""
    since = item.get_closest_marker("since")
    first = since.args[0] if since is not None else 0
    short = [NEW, OLD] if item.get_closest_marker("older") else [NEW]
    return [major for major in asked_for() or short if major >= first]


def label(major: int) -> str:
    """A version in a test's name."""
    return f"postgresql-{major}"

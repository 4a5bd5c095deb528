"""The versions of PostgreSQL that each fault runs on.

Every fault runs on 18, and those that are ``older`` also on 15: a handful, for a run that is to be short.
LEADLINE_TEST_ZOO names versions that every fault runs on instead, as ``make zoo`` does: ``18,15``. A fault with
``since`` needs what that version introduced.
"""

import os
from collections.abc import Sequence

NEW, OLD = 18, 15
VARIABLE = "LEADLINE_TEST_ZOO"


def requested() -> list[int]:
    """The versions that every fault is to run on; empty for a short run."""
    return [int(major) for major in os.environ.get(VARIABLE, "").split(",") if major.strip()]


def majors_for(since: int, older: bool) -> Sequence[int]:
    """The versions for a fault."""
    return [major for major in requested() or ([NEW, OLD] if older else [NEW]) if major >= since]


def label(major: int) -> str:
    """A version in a test's name."""
    return f"postgresql-{major}"

"""The causes as a set: the page that lists them, and what each must have."""

from pathlib import Path

import pytest

from leadline_streams.causes import CAUSES
from leadline_streams.judge.diagnosis.ranking import CauseRule
from leadline_streams.reference import causes

PAGE = Path(__file__).parents[4] / "docs/reference/causes.md"
each_cause = pytest.mark.parametrize("cause", CAUSES.values(), ids=lambda cause: cause.code)


def test_the_committed_page_is_current() -> None:
    """``make docs`` was run after a cause changed."""
    assert PAGE.read_text() == causes(), "run: make docs"


@each_cause
def test_a_cause_is_named_like_its_file(cause: CauseRule) -> None:
    """The code in an incident is the name of a file."""
    assert cause.find.__module__ == f"leadline_streams.causes.{cause.code}"

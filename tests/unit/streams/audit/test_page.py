"""docs/reference/audit.md is what the rules are."""

from pathlib import Path

from leadline.advisories.loading import shipped
from leadline_streams.audit.reference import page

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "audit.md"


def test_the_page_is_current() -> None:
    """Each rule with its anchor, and no other: `make docs` writes it."""
    assert PAGE.read_text() == page(shipped())

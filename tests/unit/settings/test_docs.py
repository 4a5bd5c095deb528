"""The reference page is the declaration."""

from pathlib import Path

from leadline.settings.reference import reference

PAGE = Path(__file__).parents[3] / "docs/reference/settings.md"


def test_the_page_is_current() -> None:
    """`make docs` writes the page; it is the same as what would be written now."""
    assert PAGE.read_text() == reference()

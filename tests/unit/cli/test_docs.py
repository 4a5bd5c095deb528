"""The page of commands equals the help of the commands."""

from pathlib import Path

from leadline_cli.reference import reference

PAGE = Path(__file__).parents[3] / "docs/reference/commands.md"


def test_the_page_is_current() -> None:
    """`make docs` writes the page; it is the same as what would be written now."""
    assert PAGE.read_text() == reference()

"""Tables that a run writes into a page, between two marks."""

from collections.abc import Iterable


def between(page: str, begin: str, end: str, lines: Iterable[str]) -> str:
    """The page with these lines between its marks. Raises ValueError when it has none."""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page lacks {begin} or, after it, {end}")
    table = "\n".join(lines)
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"

"""Foreign text in Markdown, escaped so that it is never interpreted as markup. Pure.

The rules are CommonMark's (0.31.2, sections 2.4 and 6.1) and those of GitHub's tables.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from leadline.logs import escape

CELL: Final = 300
"""Characters of foreign text in one place; the incident log has the complete text."""

# Underscores inside a word and a lone & are no markup and need no escape.
_MARKS: Final = re.compile(r"[\\`*\[\]<#|~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])")
# At the beginning of a line these start a list, a heading or a rule.
_START: Final = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=:>])")
_TICKS: Final = re.compile("`+")


def text(foreign: str, limit: int = CELL) -> str:
    """One line that renders as exactly these characters."""
    one_line = _MARKS.sub(lambda found: "\\" + found[0], escape(foreign, limit).strip())
    return _START.sub(lambda found: f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}", one_line)


def code(foreign: str, limit: int = CELL) -> str:
    """An inline code span, for names and values."""
    inside = escape(foreign, limit) or " "
    fence = "`" * (max(map(len, _TICKS.findall(inside)), default=0) + 1)
    room = " " if inside.startswith("`") or inside.endswith("`") else ""
    return f"{fence}{room}{inside}{room}{fence}"


def block(lines: Iterable[str], language: str = "text", limit: int = 4000) -> list[str]:
    """A code block. ``limit`` is in characters for each line."""
    inside = [escape(line, limit) for line in lines]
    ticks = (len(run) for line in inside for run in _TICKS.findall(line))
    fence = "`" * max(3, max(ticks, default=0) + 1)
    return [f"{fence}{language}", *inside, fence]


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table. The cells are Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]


def _cell(markdown: str) -> str:
    """A cell with its bars escaped: a bar would end the cell, even in a code span."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", markdown)

"""Tables for people, JSON lines for programs."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from leadline import wire
from leadline.lines import PROBLEMS
from leadline.logs import escape

COLOURS = {"ok": "green", **dict.fromkeys(("fail", "unreachable", *PROBLEMS.values()), "red")}
"""The colour of a cell that consists of this word."""


def emit(value: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of standard output."""
    click.echo(wire.encode(value))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output: fitted to a terminal, at full width in a pipe. Foreign text is escaped."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 10_000)
    made = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(escape(cell), style=COLOURS.get(cell, "")) for cell in row))
    with console.capture() as capture:
        console.print(made)
    # A pipe needs no spaces at the ends of lines.
    click.echo("\n".join(line.rstrip() for line in capture.get().rstrip("\n").split("\n")))

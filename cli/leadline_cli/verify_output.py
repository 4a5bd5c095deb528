"""The output of ``leadline verify``: its progress, its report, and the error of one that is not equal."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from leadline.errors import ProblemFound, UnreachableError, UsageError
from leadline.logs import escape
from leadline.words import roughly
from leadline_cli.output import emit

if TYPE_CHECKING:
    from leadline_verify.outcome import VerifyReport
    from leadline_verify.request import RunProgress

MOST_TEXT = 10_000
"""Characters of a line; keys may be long."""
EVERY_S = 30.0
"""Progress that goes to no terminal is printed as often."""
COLOURS = {
    "DIFFERENT": "red",
    "DAMAGED": "red",
    "BLIND": "red",
    "UNDECIDED": "yellow",
    "EQUAL": "green",
    "NOT": "yellow",
}


class ProgressLine:
    """Progress on standard error: one line that is written over in a terminal, now and then a line elsewhere."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._shown_at = 0.0
        self._width = 0

    def show(self, progress: "RunProgress") -> None:
        """Show how far the run is."""
        if progress.seconds - self._shown_at < (0.2 if self._live else EVERY_S):
            return
        self._shown_at = progress.seconds
        rate = progress.rows / progress.seconds if progress.seconds else 0.0
        left = f", {roughly(progress.rows_left / rate)} left" if progress.rows_left is not None and rate else ""
        place = f"{progress.tables_done + 1}/{progress.tables} {progress.table}"
        line = escape(f"{place}: {progress.rows:,} rows, {rate:,.0f} rows/s{left}")[:79]
        if self._live:
            click.echo("\r" + line.ljust(self._width), err=True, nl=False)
            self._width = len(line)
        else:
            click.echo(f"leadline: {line}", err=True)

    def wait(self, reason: str) -> None:
        """Say what the run waits for."""
        self.end()
        click.echo(escape(f"leadline: waiting: {reason}"), err=True)

    def end(self) -> None:
        """Remove the line."""
        if self._width:
            click.echo("\r" + " " * self._width + "\r", err=True, nl=False)
            self._width = 0


def print_report(report: "VerifyReport", form: str) -> None:
    """Print a report as text, or as JSON lines: tables, differing rows, the summary."""
    from leadline_verify.summary import summary_lines

    if form == "json":
        for table in report.tables:
            emit({"kind": "table", **msgspec.to_builtins(table, builtin_types=(datetime,))})
        for row in report.differences:
            emit({"row": row.kind, **msgspec.to_builtins(row, builtin_types=(datetime,)), "kind": "difference"})
        whole: dict[str, Any] = msgspec.to_builtins(report, builtin_types=(datetime,))
        kept = {name: value for name, value in whole.items() if name not in ("tables", "differences")}
        emit({"kind": "summary", **kept, "equal": report.is_equal})
        return
    for line in summary_lines(report):
        first, _, rest = line.partition(" ")
        colour = COLOURS.get(first)
        head = click.style(first, fg=colour, bold=True) if colour else first
        click.echo(head + escape(f" {rest}", MOST_TEXT) if colour else escape(line, MOST_TEXT))


def conclude(report: "VerifyReport") -> None:
    """Raise for every result but an equal one."""
    if report.blind:
        raise UnreachableError("checker_blind: the run missed the difference that it planted itself; report this")
    found: list[str] = []
    if different := report.count("different"):
        found.append(f"{different} table{'s' if different != 1 else ''} with rows that differ")
    if report.pages is not None and (damaged := len({each.relation for each in report.pages.damaged})):
        found.append(f"{damaged} table{'s' if damaged != 1 else ''} or index{'es' if damaged != 1 else ''} with damage")
    if found:
        raise ProblemFound("; ".join(found))
    if not report.tables:
        raise UsageError("there is no table to compare")
    if not report.is_equal:
        reason = report.ended_early or next((table.reason for table in report.tables if table.reason), "")
        raise UnreachableError("not everything is proven equal" + (f": {reason}" if reason else "; see above"))
    if report.pages is not None and report.pages.not_checked:
        raise UnreachableError(f"not all pages were checked: {report.pages.not_checked[0]}")

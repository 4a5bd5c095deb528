"""The parts of the live view under its events."""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from leadline.difference_words import tables_in_words
from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.model.verification import Verification
from leadline.words import duration
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import VENDORS
from leadline_lab.view import terminal


class _Cut:
    """Text of at most so many lines."""

    def __init__(self, text: Text, most: int) -> None:
        self._text, self._most = text, most

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = self._text.wrap(console, options.max_width)
        if len(lines) > self._most:
            lines[self._most - 1].truncate(options.max_width - 1)
            lines[self._most - 1].append("…")
        yield from lines[: self._most]


def data(verified: Iterable[Verification]) -> Text:
    """A line for each link that is verified: its data is equal, differs, or is not decided."""
    lines = []
    for last in verified:
        rows = sum(table.rows_compared for table in last.tables)
        line = Text.assemble(("data  ", "dim"), escape(f"{last.upstream} → {last.downstream}  "))
        if last.differences:
            line.append("DIFFERENT  ", "bold red").append(escape(tables_in_words(last.differences)))
        elif last.outcome == "equal":
            line.append("equal", "green").append(f", {rows} rows compared")
        else:
            line.append(last.outcome, "yellow").append(escape(f": {last.detail}"))
        line.no_wrap, line.overflow = True, "ellipsis"
        lines.append(line)
    return Text("\n").join(lines)


def incident(incident: Incident, now: datetime, most: int) -> Panel:
    """The incident with its first cause in full, at most so many lines of its fix, and the other causes by code."""
    first, *others = incident.causes
    lasted = max(0.0, ((incident.resolved_at or now) - incident.opened_at).total_seconds())
    lines: list[RenderableType] = [
        Text.assemble((first.code, "bold"), (f"  {first.confidence:.2f}  ", "dim"), escape(first.summary)),
        _Cut(Text.assemble(("fix  ", "green"), escape(first.fix)), most),
    ]
    if others:
        surest = {cause.code: cause.confidence for cause in reversed(others)}
        named = ", ".join(f"{code} {confidence:.2f}" for code, confidence in [*reversed(surest.items())][:3])
        lines.append(Text.assemble(("also  ", "dim"), escape(named)))
    title = Text(escape(f"{incident.title}  ·  {incident.state}, {duration(lasted)}"))
    colour = "green" if incident.state == "resolved" else terminal.COLOURS[incident.severity]
    return Panel(Group(*lines), title=title, title_align="left", border_style=colour)


def other(incident: Incident, now: datetime) -> Text:
    """Another incident that is open, in one line."""
    lasted = duration(max(0.0, (now - incident.opened_at).total_seconds()))
    cause = f"  {incident.causes[0].code} {incident.causes[0].confidence:.2f}" if incident.causes else ""
    text = Text.assemble(
        ("● ", terminal.COLOURS[incident.severity]), escape(incident.title), (f"  open, {lasted}", "dim")
    )
    text.append(escape(cause), "bold")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def alerts(firing: list[Transition], now: datetime) -> Table:
    """The alerts that fire, a line each."""
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for alert in sorted(firing, key=lambda alert: alert.started_at):
        since = duration(max(0.0, (now - alert.started_at).total_seconds()))
        severity = Text(alert.severity, terminal.COLOURS[alert.severity])
        grid.add_row(alert.rule, severity, since, Text(escape(alert.summary)))
    return grid


def sent(state: DemoState) -> Text:
    """The number of notifications to each target."""
    observed = state.observed
    edits, replies = len(observed.received("slack", "update")), len(observed.received("slack", "reply"))
    ends = len(observed.received("pagerduty", "resolve"))
    text = Text.assemble(
        ("sent  ", "dim"),
        (f"{VENDORS['slack']} ", "bold"),
        f"{_count(observed.messages, 'message')}, {_count(edits, 'edit')}, {_count(replies, 'reply', 'replies')}   ",
        (f"{VENDORS['pagerduty']} ", "bold"),
        _count(observed.pages, "page") + (", resolved" if ends else ""),
        ("   incident log ", "bold"),
        ", ".join(observed.logged.values()) or "nothing yet",
    )
    for target in state.targets:
        sent = sum(one.target == target and one.outcome == "sent" for one in observed.deliveries)
        text.append(f"   {target} ", "bold").append(f"{sent} sent")
    return text


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"

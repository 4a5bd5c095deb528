"""The live view: events, links with their lag, alerts, the incident with its cause, notifications."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.words import duration
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import VENDORS, DemoEvent, EventKind
from leadline_lab.demo.summary import summary
from leadline_lab.view import terminal

MARKS: Final = {
    EventKind.SETUP: ("▸", "dim"),
    EventKind.STEP: ("■", "bold"),
    EventKind.ACTION: ("✎", "magenta"),
    EventKind.OBSERVED: ("✔", "green"),
    EventKind.MISSED: ("✘", "bold red"),
    EventKind.ALERT: ("▲", "yellow"),
    EventKind.INCIDENT: ("●", "bold red"),
    EventKind.CAUSE: ("◆", "cyan"),
    EventKind.SENT: ("➜", "blue"),
}
"""Sign and colour of each kind of event."""
MIN_EVENTS: Final = 4
HEADER_AND_FOOTER: Final = 3
PLACES: Final = ("links", "incident", "others", "sent", "end", "alerts")
"""From top to bottom."""
WIDE: Final = 95
_SPINNER: Final = Spinner("dots")


def render(state: DemoState, now: datetime, width: int, height: int) -> RenderableType:
    """One picture of everything, as high as the terminal. Where it does not fit, the oldest events are left out."""
    measure, room, shown = Console(width=width), height - HEADER_AND_FOOTER, {}
    for part, made in _below(state, now, width):
        lines = len(measure.render_lines(made, pad=False))
        if lines <= room - MIN_EVENTS:
            shown[part], room = made, room - lines
    below = (shown[part] for part in PLACES if part in shown)
    return Group(_header(state), Rule(style="dim"), _events(state.events, room), *below, _footer(state))


def _header(state: DemoState) -> Table:
    about = state.progress.scenario.about
    title = Text.assemble(("leadline demo", "bold"), f"  {about}", (f"  {state.note}", "dim"))
    clock = Text(style="bold red" if state.since_s is not None and state.report is None else "dim")
    clock.append("" if state.since_s is None else f"{state.since_s:.1f} s since the injection")
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    bar.add_row(title, clock)
    return bar


def _events(events: list[DemoEvent], most: int) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", style="dim", no_wrap=True, width=9)
    grid.add_column(no_wrap=True, width=1)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for event in events[-most:]:
        sign, style = MARKS[event.kind]
        since = "" if event.since_s is None else f"{event.since_s:+.1f} s"
        text = Text(escape(event.text), style if event.kind in (EventKind.STEP, EventKind.MISSED) else "")
        grid.add_row(since, Text(sign, style), text)
    return grid


def _below(state: DemoState, now: datetime, width: int) -> Iterator[tuple[str, RenderableType]]:
    """The parts under the events by their place, the most important first."""
    observed, fleet = state.observed, state.observed.fleet
    if state.report is not None:
        yield "end", Panel(summary(state.report, state.files), border_style="green" if state.progress.ok else "red")
    elif observed.newest is not None:
        yield "incident", _incident(observed.newest, now)
    if fleet.links:
        yield "links", Group(Rule(style="dim"), terminal.links(fleet, 30 if width >= WIDE else 16))
    others = [each for each in observed.incidents if each.state == "open" and each is not observed.newest]
    if others and state.report is None:
        yield "others", Group(*(_other(each, now) for each in others))
    if observed.incident is not None:
        yield "sent", _sent(state)
    firing = [alert for alert in fleet.alerts.values() if alert.to != "pending"]
    if firing and state.report is None:
        yield "alerts", _alerts(firing, now)


def _incident(incident: Incident, now: datetime) -> Panel:
    """The incident with its first cause in full, the others by code."""
    first, *others = incident.causes
    lasted = max(0.0, ((incident.resolved_at or now) - incident.opened_at).total_seconds())
    lines = [
        Text.assemble((first.code, "bold"), (f"  {first.confidence:.2f}  ", "dim"), escape(first.summary)),
        Text.assemble(("fix  ", "green"), escape(first.fix)),
    ]
    if others:
        named = ", ".join(f"{cause.code} {cause.confidence:.2f}" for cause in others[:3])
        lines.append(Text.assemble(("also  ", "dim"), escape(named)))
    title = Text(escape(f"{incident.title}  ·  {incident.state}, {duration(lasted)}"))
    colour = "green" if incident.state == "resolved" else terminal.COLOURS[incident.severity]
    return Panel(Group(*lines), title=title, title_align="left", border_style=colour)


def _other(incident: Incident, now: datetime) -> Text:
    """Another incident that is open, in one line."""
    lasted = duration(max(0.0, (now - incident.opened_at).total_seconds()))
    cause = f"  {incident.causes[0].code} {incident.causes[0].confidence:.2f}" if incident.causes else ""
    text = Text.assemble(
        ("● ", terminal.COLOURS[incident.severity]), escape(incident.title), (f"  open, {lasted}", "dim")
    )
    text.append(escape(cause), "bold")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _alerts(firing: list[Transition], now: datetime) -> Table:
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


def _sent(state: DemoState) -> Text:
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


def _footer(state: DemoState) -> RenderableType:
    """The present step and what it waits for; at the end, what to do."""
    progress = state.progress
    if state.report is not None and not state.activity:
        return Text(
            f"messages to Slack and PagerDuty: {state.receiver}   ·   Ctrl-C stops and removes everything", "dim"
        )
    waits = state.activity or next(iter(progress.waits_for), "") or "the next step"
    steps = len(progress.scenario.steps)
    place = f"step {min(progress.done + 1, steps)} of {steps}  ·  " if progress.done or progress.step else ""
    _SPINNER.update(text=Text(f"{place}{escape(waits)}", "dim", overflow="ellipsis", no_wrap=True))
    return _SPINNER

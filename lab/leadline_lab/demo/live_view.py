"""The live view: events, links with their lag, alerts, the incident with its cause, notifications."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from leadline.logs import escape
from leadline_lab.demo import live_parts as parts
from leadline_lab.demo.demo_state import DemoState
from leadline_lab.demo.events import DemoEvent, EventKind
from leadline_lab.demo.summary import summary
from leadline_lab.demo.targets import environment_of
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
HEADER_AND_FOOTER: Final = 4
PLACES: Final = ("links", "data", "incident", "others", "sent", "end", "alerts")
"""From top to bottom."""
FIX_LINES: Final = (40, 4, 1)
"""Most lines of a fix: as many as it has, or fewer where there is no room."""
WIDE: Final = 95
_SPINNER: Final = Spinner("dots")


def render(state: DemoState, now: datetime, width: int, height: int) -> RenderableType:
    """One picture of everything, as high as the terminal. Where it does not fit, the oldest events are left out."""
    measure, room, shown = Console(width=width), height - HEADER_AND_FOOTER, {}
    for part, forms in _below(state, now, width):
        for made in forms:
            lines = len(measure.render_lines(made, pad=False))
            if lines <= room - MIN_EVENTS:
                shown[part], room = made, room - lines
                break
    below = (shown[part] for part in PLACES if part in shown)
    return Group(_header(state), Rule(style="dim"), _events(state.events, room), *below, *_foot(state))


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


def _below(state: DemoState, now: datetime, width: int) -> Iterator[tuple[str, Sequence[RenderableType]]]:
    """The parts under the events by their place, the most important first; each in its forms, the fullest first."""
    observed, fleet = state.observed, state.observed.fleet
    if observed.verified and state.report is None:
        yield "data", [parts.data(observed.verified.values())]
    if state.report is not None:
        colour = "green" if state.progress.ok else "red"
        yield "end", [Panel(summary(state.report, state.files), border_style=colour)]
    elif observed.newest is not None:
        yield "incident", [parts.incident(observed.newest, now, most) for most in FIX_LINES]
    if fleet.links:
        yield "links", [Group(Rule(style="dim"), terminal.links(fleet, 30 if width >= WIDE else 16))]
    others = [each for each in observed.incidents if each.state == "open" and each is not observed.newest]
    if others and state.report is None:
        yield "others", [Group(*(parts.other(each, now) for each in others))]
    if observed.incident is not None:
        yield "sent", [parts.sent(state)]
    firing = [alert for alert in fleet.alerts.values() if alert.to != "pending"]
    if firing and state.report is None:
        yield "alerts", [parts.alerts(firing, now)]


def _foot(state: DemoState) -> tuple[RenderableType, RenderableType]:
    """The addresses for a browser, once they are known, and below them what happens now."""
    addresses = f"console {state.console}  ·  messages {state.receiver}" if state.console else ""
    return _one_line(addresses), _footer(state)


def _footer(state: DemoState) -> RenderableType:
    """The present step and what it waits for; at the end, what to do."""
    progress = state.progress
    if state.report is not None and not state.activity:
        return _one_line(f"Ctrl-C ends it  ·  commands: export {environment_of(state.bootstrap)}")
    waits = state.activity or next(iter(progress.waits_for), "") or "the next step"
    steps = len(progress.scenario.steps)
    place = f"step {min(progress.done + 1, steps)} of {steps}  ·  " if progress.done or progress.step else ""
    _SPINNER.update(text=_one_line(f"{place}{escape(waits)}"))
    return _SPINNER


def _one_line(text: str) -> Text:
    return Text(text, "dim", overflow="ellipsis", no_wrap=True)

"""The live view: the story, links with their lag, alerts, the incident with its cause, and who was told."""

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
from leadline_lab.demo.demo_state import Scene
from leadline_lab.demo.events import VENDORS, Beat
from leadline_lab.demo.summary import summary
from leadline_lab.view import terminal

MARKS: Final = {
    "setup": ("▸", "dim"),
    "step": ("■", "bold"),
    "did": ("✎", "magenta"),
    "saw": ("✔", "green"),
    "missed": ("✘", "bold red"),
    "alert": ("▲", "yellow"),
    "incident": ("●", "bold red"),
    "cause": ("◆", "cyan"),
    "told": ("➜", "blue"),
}
"""Sign and colour of each kind of line."""
LEAST_BEATS: Final = 4
HEAD_AND_FOOT: Final = 3
PLACES: Final = ("links", "incident", "told", "end", "alerts")
"""From top to bottom."""
WIDE: Final = 95
_SPINNER: Final = Spinner("dots")


def render(scene: Scene, now: datetime, width: int, height: int) -> RenderableType:
    """One picture of everything, as high as the terminal; what does not fit of the story is its oldest part."""
    measure, room, shown = Console(width=width), height - HEAD_AND_FOOT, {}
    for part, made in _below(scene, now, width):
        lines = len(measure.render_lines(made, pad=False))
        if lines <= room - LEAST_BEATS:
            shown[part], room = made, room - lines
    below = (shown[part] for part in PLACES if part in shown)
    return Group(_header(scene), Rule(style="dim"), _story(scene.beats, room), *below, _footer(scene))


def _header(scene: Scene) -> Table:
    scenario = scene.story.scenario
    title = Text.assemble(("leadline demo", "bold"), f"  {scenario.about}", (f"  {scene.note}", "dim"))
    clock = Text(style="bold red" if scene.since_s is not None and scene.report is None else "dim")
    clock.append("" if scene.since_s is None else f"{scene.since_s:.1f} s since the injection")
    bar = Table.grid(expand=True, padding=(0, 1))
    bar.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    bar.add_row(title, clock)
    return bar


def _story(beats: list[Beat], most: int) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    grid.add_column(justify="right", style="dim", no_wrap=True, width=9)
    grid.add_column(no_wrap=True, width=1)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for beat in beats[-most:]:
        sign, style = MARKS[beat.kind]
        since = "" if beat.since_s is None else f"{beat.since_s:+.1f} s"
        text = Text(escape(beat.text), style if beat.kind in ("step", "missed") else "")
        grid.add_row(since, Text(sign, style), text)
    return grid


def _below(scene: Scene, now: datetime, width: int) -> Iterator[tuple[str, RenderableType]]:
    """What stands under the story, by its place, the most telling first."""
    seen, fleet = scene.seen, scene.seen.fleet
    if scene.report is not None:
        yield "end", Panel(summary(scene.report, scene.files), border_style="green" if scene.story.ok else "red")
    elif seen.incident is not None:
        yield "incident", _incident(seen.incident, now)
    if fleet.links:
        yield "links", Group(Rule(style="dim"), terminal.links(fleet, 30 if width >= WIDE else 16))
    if seen.incident is not None:
        yield "told", _told(scene)
    firing = [alert for alert in fleet.alerts.values() if alert.to != "pending"]
    if firing and scene.report is None:
        yield "alerts", _alerts(firing, now)


def _incident(it: Incident, now: datetime) -> Panel:
    """Its first cause in full, the others by name."""
    first, *others = it.causes
    lasted = max(0.0, ((it.resolved_at or now) - it.opened_at).total_seconds())
    lines = [
        Text.assemble((first.code, "bold"), (f"  {first.confidence:.2f}  ", "dim"), escape(first.summary)),
        Text.assemble(("fix  ", "green"), escape(first.fix)),
    ]
    if others:
        named = ", ".join(f"{cause.code} {cause.confidence:.2f}" for cause in others[:3])
        lines.append(Text.assemble(("also  ", "dim"), escape(named)))
    title = Text(escape(f"{it.title}  ·  {it.state}, {duration(lasted)}"))
    colour = "green" if it.state == "resolved" else terminal.COLOURS[it.severity]
    return Panel(Group(*lines), title=title, title_align="left", border_style=colour)


def _alerts(firing: list[Transition], now: datetime) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for alert in sorted(firing, key=lambda it: it.started_at):
        since = duration(max(0.0, (now - alert.started_at).total_seconds()))
        severity = Text(alert.severity, terminal.COLOURS[alert.severity])
        grid.add_row(alert.rule, severity, since, Text(escape(alert.summary)))
    return grid


def _told(scene: Scene) -> Text:
    """How often each target was told."""
    seen = scene.seen
    edits, replies = len(seen.arrived("slack", "update")), len(seen.arrived("slack", "reply"))
    ends = len(seen.arrived("pagerduty", "resolve"))
    text = Text.assemble(
        ("told  ", "dim"),
        (f"{VENDORS['slack']} ", "bold"),
        f"{_count(seen.messages, 'message')}, {_count(edits, 'edit')}, {_count(replies, 'reply', 'replies')}   ",
        (f"{VENDORS['pagerduty']} ", "bold"),
        _count(seen.pages, "page") + (", resolved" if ends else ""),
        ("   incident log ", "bold"),
        ", ".join(seen.logged.values()) or "nothing yet",
    )
    for target in scene.targets:
        sent = sum(it.target == target and it.outcome == "sent" for it in seen.deliveries)
        text.append(f"   {target} ", "bold").append(f"{sent} sent")
    return text


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _footer(scene: Scene) -> RenderableType:
    """What is being waited for."""
    story = scene.story
    if scene.report is not None and not scene.doing:
        return Text(f"What Slack and PagerDuty got: {scene.receiver}   ·   Ctrl-C puts everything away", "dim")
    waits = scene.doing or next(iter(story.waits_for), "") or "what comes next"
    steps = len(story.scenario.steps)
    progress = f"step {min(story.done + 1, steps)} of {steps}  ·  " if story.done or story.step else ""
    _SPINNER.update(text=Text(f"{progress}{escape(waits)}", "dim", overflow="ellipsis", no_wrap=True))
    return _SPINNER

"""The live view: nodes, links with their lag as sparklines, alerts, incidents and causes, deliveries."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from leadline import lines as line_of
from leadline.headline import impact
from leadline.logs import escape
from leadline.model.alert import Transition
from leadline.model.incident import Incident
from leadline.setting_words import move
from leadline.words import amount, duration, hour, sparkline
from leadline_lab.view.fleet import FleetView

COLOURS = {
    "idle": "green",
    "healthy": "green",
    "delayed_by_design": "cyan",
    "catching_up": "yellow",
    "falling_behind": "yellow",
    "replay_paused": "red",
    "replay_stalled": "red",
    "cut_off": "red",
    "broken": "bold red",
    "upstream_unreachable": "red",
    "downstream_unreachable": "red",
    "unknown": "magenta",
    "warning": "yellow",
    "critical": "bold red",
    "info": "blue",
}
"""Of verdicts and severities."""
_SPARK_WIDTH = 30
_SPARK_LEAST = 8


class _Trend:
    """A sparkline as wide as its column: where there is little room, the newest values are shown."""

    def __init__(self, values: Sequence[float], most: int, style: str) -> None:
        self._values, self._most, self._style = values, most, style

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        most = min(self._most, len(self._values))
        return Measurement(min(_SPARK_LEAST, most), most)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(sparkline(self._values, min(self._most, options.max_width)), style=self._style, no_wrap=True)


def render(fleet: FleetView, now: datetime, note: str = "") -> RenderableType:
    """One picture of everything."""
    clusters = sorted({str(row.cluster) for row in fleet.nodes})
    parts: list[RenderableType] = [_header(clusters, now, note), *_blind(fleet), _nodes(fleet), links(fleet)]
    open_incidents = [incident for incident in fleet.incidents.values() if incident.state == "open"]
    closed = sorted((i for i in fleet.incidents.values() if i.state == "resolved"), key=lambda i: i.opened_at)
    if fleet.alerts:
        parts.append(_alerts(fleet, now))
    parts.extend(_incident(incident, now) for incident in open_incidents)
    if not open_incidents and closed:
        parts.append(_incident(closed[-1], now))
    if fleet.deliveries:
        parts.append(_deliveries(fleet, now))
    return Group(*parts)


def _deliveries(fleet: FleetView, now: datetime) -> Text:
    """The last delivery to each target, and how long ago it was."""
    text = Text()
    for name, last in sorted(fleet.deliveries.items()):
        ago = duration(max(0.0, (now - last.at).total_seconds()))
        text.append(f"{name} ", "bold").append(f"{last.outcome}, {last.occasion}, {ago} ago   ")
    return text


def _plain(text: str | None, style: str = "") -> Text:
    return Text(escape(text or ""), style=style)


def _header(clusters: list[str], now: datetime, note: str) -> Text:
    header = Text.assemble(("leadline", "bold"), "  ", escape(", ".join(clusters)) or "waiting for the first sample")
    header.append(f"  {hour(now)} UTC", "dim")
    if note:
        header.append(f"  {escape(note)}", "dim")
    return header


def _blind(fleet: FleetView) -> Iterator[Text]:
    """A banner for each server of which a part is hidden from its agent, or from everybody."""
    hidden = [f"{row.node}: {row.blind}" for row in fleet.nodes if row.blind is not None]
    for line in (*hidden, *sorted(each.summary for each in _refused(fleet))):
        yield Text.assemble((" BLIND ", "bold white on magenta"), " ").append(escape(line))


def _refused(fleet: FleetView) -> list[Transition]:
    """The alerts about servers that hide a part from everybody."""
    return [each for each in fleet.alerts.values() if each.rule == line_of.REFUSED and each.to == "firing"]


def _grid(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for column in columns:
        table.add_column(column, justify="right" if column in ("lag", "behind", "writes", "value") else "left")
    return table


def _nodes(fleet: FleetView) -> Table:
    table = _grid("node", "role", "version", "datacentre", "position", "writes", "")
    refused = {(each.cluster, each.subject.node) for each in _refused(fleet)}
    for row in fleet.nodes:
        rate = f"{amount(round(row.write_rate), row.unit)}/s" if row.write_rate is not None else ""
        state = (
            _plain("up", "green")
            if row.health == "up"
            else _plain(f"{row.health.replace('_', ' ')}: {row.note or ''}", "red")
        )
        if row.blind is not None or (row.health == "up" and (row.cluster, row.node) in refused):
            state = _plain("up, BLIND", "magenta")
        table.add_row(
            _plain(row.node, "bold"),
            _plain(row.role),
            _plain(row.version),
            _plain(row.datacenter),
            _plain(row.position),
            rate,
            state,
        )
    return table


def links(fleet: FleetView, samples: int = _SPARK_WIDTH) -> Table:
    """A row for each link: verdict, lag, and the trend of the lag over at most ``samples`` seconds."""
    table = _grid("link", "kind", "verdict", "lag", "behind", "lag over time")
    for row in fleet.links:
        colour = COLOURS.get(row.verdict, "")
        table.add_row(
            _plain(f"{row.upstream} → {row.downstream}" + (f" ({row.name})" if row.name else "")),
            row.link_kind,
            Text(row.verdict, style=colour),
            line_of.lag_of(row),
            amount(row.behind, row.unit),
            _Trend(fleet.history(row.link), samples, colour),
        )
    return table


def _alerts(fleet: FleetView, now: datetime) -> Table:
    table = _grid("alert", "state", "severity", "since", "")
    for alert in sorted(fleet.alerts.values(), key=lambda a: a.started_at):
        table.add_row(
            alert.rule,
            alert.to,
            Text(alert.severity, style=COLOURS[alert.severity]),
            duration(max(0.0, (now - alert.started_at).total_seconds())),
            _plain(alert.summary),
        )
    return table


def _incident(incident: Incident, now: datetime) -> Panel:
    until = incident.resolved_at or now
    lasted = duration(max(0.0, (until - incident.opened_at).total_seconds()))
    lines: list[Text] = []
    for rank, cause in enumerate(incident.causes[:3]):
        style = "bold" if rank == 0 else "dim"
        lines.append(
            Text.assemble((f"{cause.code} ", style), (f"{cause.confidence:.2f}  ", "dim")).append(escape(cause.summary))
        )
        if rank == 0:
            lines.append(Text.assemble(("fix  ", "green"), escape(cause.fix)))
    lines += [
        _plain(f"changed  {change.setting} on {change.node}: {move(change)}", "cyan")
        for change in incident.changes[-3:]
    ]
    lines += [Text.assemble((f"{hour(entry.at)}  ", "dim"), escape(entry.what)) for entry in incident.timeline[-5:]]
    colour = "green" if incident.state == "resolved" else COLOURS[incident.severity]
    bad = f", {impact(incident)}" if impact(incident) else ""
    title = Text(escape(f"{incident.title}  ·  {incident.state}, {lasted}{bad}"))
    return Panel(Group(*lines), title=title, title_align="left", border_style=colour)

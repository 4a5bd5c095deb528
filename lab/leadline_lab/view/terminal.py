"""The live view: incidents with cause and fix, links with their lag as sparklines, nodes, alerts, deliveries."""

from collections.abc import Iterable, Iterator, Sequence
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
from leadline.model.status import LinkStatus, NodeStatus
from leadline.setting_words import move
from leadline.steps import fix_lines
from leadline.words import amount, duration, hour, sparkline
from leadline_lab.view.browse import Browse
from leadline_lab.view.close_up import close_up, help_
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
SEVERITIES = ("critical", "warning", "info")
"""The worst first."""
PENDING = "pending: fires when the breach has lasted (--for); `leadline check` names a cause at once"
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


def render(fleet: FleetView, now: datetime, note: str = "", browse: Browse | None = None) -> RenderableType:
    """One picture of everything, the most important first: what is wrong and its fix, then links, nodes and alerts.

    ``browse``: what somebody chose to see, with keys.
    """
    browse = browse or Browse()
    if browse.helps:
        return help_()
    rows = browse.order(fleet.links)
    chosen = next((link for link in rows if link.link == browse.chosen), None)
    if browse.is_close and chosen is not None:
        return close_up(fleet, chosen, now)
    note = "  ·  ".join(each for each in (note, browse.note) if each)
    clusters = sorted({str(row.cluster) for row in fleet.nodes})
    shown, once = _incidents(fleet), line_of.Once(fleet.nodes)
    parts: list[RenderableType] = [_header(clusters, now, note), *_blind(fleet, once)]
    parts += [_incident(incident, now, once) for incident in shown]
    parts += [links(fleet, rows=rows, chosen=browse.chosen)] if rows else []
    nodes = [row for row in fleet.nodes if browse.has(row.cluster, row.node)]
    parts += [_nodes(fleet, nodes, once)] if nodes else []
    alerts = [each for each in fleet.alerts.values() if browse.has(each.cluster, each.rule, each.summary)]
    parts += [_alerts(alerts, now, once)] if alerts else []
    parts += [Text(PENDING, "dim")] if any(each.to == "pending" for each in fleet.alerts.values()) else []
    parts += [_timeline(incident, once) for incident in shown[:1] if incident.timeline]
    parts += [_deliveries(fleet, now)] if fleet.deliveries else []
    return Group(*parts)


def _incidents(fleet: FleetView) -> list[Incident]:
    """The open incidents, the worst first; the newest of the others where none is open."""
    open_ = [each for each in fleet.incidents.values() if each.state == "open"]
    if open_:
        return sorted(open_, key=lambda each: (SEVERITIES.index(each.severity), each.opened_at))
    return sorted(fleet.incidents.values(), key=lambda each: each.opened_at)[-1:]


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


def _blind(fleet: FleetView, once: line_of.Once) -> Iterator[Text]:
    """A banner for each server of which a part is hidden from its agent, or from everybody, and for each cluster that
    has more than is judged.
    """
    hidden = [f"{row.node}: {row.blind}" for row in fleet.nodes if row.blind is not None]
    for line in (*hidden, *sorted(each.summary for each in _refused(fleet))):
        yield Text.assemble((" BLIND ", "bold white on magenta"), " ").append(escape(once(line)))
    for line in line_of.not_judged(fleet.incidents.values()):
        yield Text.assemble((" NOT JUDGED ", "bold white on magenta"), " ").append(escape(line))


def _refused(fleet: FleetView) -> list[Transition]:
    """The alerts about servers that hide a part from everybody."""
    return [each for each in fleet.alerts.values() if each.rule == line_of.REFUSED and each.to == "firing"]


def _grid(headings: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Table:
    """A table without the columns in which every cell is empty."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    rows = list(rows)
    kept = [at for at in range(len(headings)) if not all(row[at] in ("", Text()) for row in rows)]
    for at in kept:
        right = headings[at] in ("lag", "behind", "writes", "for")
        table.add_column(headings[at], justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(row[at] for at in kept))
    return table


def _nodes(fleet: FleetView, rows: Iterable[NodeStatus], once: line_of.Once) -> Table:
    refused = {(each.cluster, each.subject.node) for each in _refused(fleet)}
    return _grid(
        ("node", "role", "version", "datacenter", "position", "writes", "state"),
        [
            (
                _plain(row.node, "bold"),
                _plain(row.role),
                _plain(line_of.short_version(row)),
                _plain(row.datacenter),
                _plain(row.position),
                f"{amount(round(row.write_rate), row.unit)}/s" if row.write_rate is not None else "",
                _health(row, once, blind=row.blind is not None or (row.cluster, row.node) in refused),
            )
            for row in rows
        ],
    )


def _health(row: NodeStatus, once: line_of.Once, *, blind: bool) -> Text:
    if row.health != "up":
        note = f": {once(row.note)}" if row.note else ""
        return _plain(f"{row.health.replace('_', ' ').upper()}{note}", "red")
    return _plain("up, BLIND", "magenta") if blind else _plain("up", "green")


def links(
    fleet: FleetView, samples: int = _SPARK_WIDTH, *, rows: Sequence[LinkStatus] | None = None, chosen: str = ""
) -> Table:
    """A row for each link: state, lag, and the trend of the lag over at most ``samples`` seconds.

    ``rows``: these links, in this order; by default all of the fleet. ``chosen``: the identity of the one that is
    marked.
    """
    return _grid(
        ("link", "kind", "state", "lag", "behind", "lag over time"),
        [
            (
                _plain(
                    ("▸ " if row.link == chosen else "")
                    + f"{row.upstream} → {row.downstream}"
                    + (f" ({row.name})" if row.name else "")
                ),
                row.link_kind,
                Text(line_of.state_of(row), style=COLOURS.get(row.verdict, "")),
                line_of.lag_of(row),
                amount(row.behind, row.unit),
                _Trend(fleet.history(row.link), samples, COLOURS.get(row.verdict, "")),
            )
            for row in (fleet.links if rows is None else rows)
        ],
    )


def _alerts(alerts: Iterable[Transition], now: datetime, once: line_of.Once) -> Table:
    return _grid(
        ("alert", "state", "severity", "for", ""),
        [
            (
                alert.rule,
                alert.to,
                Text(alert.severity, style=COLOURS[alert.severity]),
                duration(max(0.0, (now - alert.started_at).total_seconds())),
                _plain(once(alert.summary)),
            )
            for alert in sorted(alerts, key=lambda each: each.started_at)
        ],
    )


def _incident(incident: Incident, now: datetime, once: line_of.Once) -> Panel:
    """The first cause with its fix; the others by code; the last changes of settings."""
    until = incident.resolved_at or now
    lasted = duration(max(0.0, (until - incident.opened_at).total_seconds()))
    lines = [_plain(incident.title, "bold")]
    for cause in incident.causes[:1]:
        lines.append(_labelled("cause", "bold", f"{once(cause.summary)} ({cause.code}, {cause.confidence:.2f})"))
        lines += [_labelled("" if at else "fix", "green", line) for at, line in enumerate(fix_lines(cause))]
    lines += [
        _labelled("changed", "cyan", f"{change.setting} on {change.node}: {move(change)}")
        for change in incident.changes[-3:]
    ]
    if others := incident.causes[1:4]:
        lines.append(_labelled("also", "dim", ", ".join(f"{each.code} {each.confidence:.2f}" for each in others)))
    colour = "green" if incident.state == "resolved" else COLOURS[incident.severity]
    bad = f", {impact(incident)}" if impact(incident) else ""
    title = _plain(f"{incident.state}, {lasted}{bad}")
    return Panel(Group(*lines), title=title, title_align="left", border_style=colour)


def _labelled(label: str, style: str, text: str) -> Text:
    return Text.assemble((f"{label:<9}", style)).append(escape(text))


def _timeline(incident: Incident, once: line_of.Once) -> Group:
    entries = [
        Text.assemble((f"{hour(entry.at)}  ", "dim"), escape(once(entry.what))) for entry in incident.timeline[-5:]
    ]
    return Group(Text("timeline", "dim"), *entries)

"""One link, looked at closely: what is known of it, its lag, its ends, its alerts and incidents."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from leadline import lines as line_of
from leadline.logs import escape
from leadline.model.status import LinkStatus
from leadline.words import amount, duration, hour, sparkline
from leadline_lab.view.browse import HELP
from leadline_lab.view.fleet import FleetView

SPARK_WIDTH = 60
"""Seconds of lag in the sparkline: as many as fit 80 columns."""


def close_up(fleet: FleetView, link: LinkStatus, now: datetime) -> RenderableType:
    """A link with everything that the topics say of it."""
    name = f" ({link.name})" if link.name else ""
    title = Text(escape(f"{link.upstream} → {link.downstream}{name}"), "bold")
    return Group(title, _table(_facts(fleet, link, now)), Text("Escape goes back", "dim"))


def help_() -> RenderableType:
    """The keys and their meaning."""
    return Group(Text("Keys", "bold"), _table(HELP), Text("? or Escape goes back", "dim"))


def _facts(fleet: FleetView, link: LinkStatus, now: datetime) -> Iterator[tuple[str, str]]:
    lasted = duration(max(0.0, (now - link.since).total_seconds()))
    yield "cluster", link.cluster
    yield "kind", link.link_kind
    yield "state", f"{line_of.state_of(link)} for {lasted}, since {hour(link.since)} UTC"
    yield "connected", "yes" if link.connected else "no"
    yield "lag", f"{line_of.lag_of(link)}, {amount(link.behind, link.unit)} behind the primary"
    if history := fleet.history(link.link)[-SPARK_WIDTH:]:
        yield f"last {duration(len(history))}", f"{sparkline(history, SPARK_WIDTH)}  up to {duration(max(history))}"
    yield "seen from", ", ".join(sorted(link.observers)) or "neither end: the state is not known"
    for node in fleet.nodes:
        if node.cluster == link.cluster and node.node in (link.upstream, link.downstream):
            note = f": {node.note}" if node.note else ""
            blind = f"; hidden from its agent: {node.blind}" if node.blind else ""
            yield node.node, f"{node.role}, {node.health.replace('_', ' ')}{note}{blind}"
    subjects = {link.link, f"{link.cluster}/{link.upstream}", f"{link.cluster}/{link.downstream}"}
    for alert in sorted(fleet.alerts.values(), key=lambda each: each.started_at):
        if alert.subject.id in subjects:
            yield "alert", f"{alert.rule} {alert.to}, {alert.severity}: {alert.summary}"
    for incident in fleet.incidents.values():
        if incident.state == "open" and any(cause.subject.id in subjects for cause in incident.causes[:1]):
            yield "incident", f"{incident.incident_id}: {incident.title}"


def _table(rows: Iterable[tuple[str, str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(Text(escape(label)), Text(escape(text)))
    return table

"""One cluster: its topology, its alerts and incidents, the lags of its links, its slots, and what was changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from leadline.model.incident import Change
from leadline_console.fleet_map import FleetMap, draw
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages.lags import lag_plots
from leadline_console.plot import LagPlot
from leadline_console.read_model import ReadModel
from leadline_console.rows import (
    AlertRow,
    IncidentRow,
    LinkRow,
    NodeRow,
    alert_rows,
    badness,
    incident_rows,
    link_row,
    node_row,
)

FORECAST: Final = "slot_retention_forecast"
"""The rule whose value is the seconds until a slot reaches its limit."""
LINKS_A_PAGE: Final = 100
NODES_SHOWN: Final = 100
CHANGES_SHOWN: Final = 50
INCIDENTS_SHOWN: Final = 20


class ListedSlot(msgspec.Struct, frozen=True, kw_only=True):
    """One slot with an alert, and when it fills the disk, where the rules foresee it."""

    slot: str
    node: str | None
    rule: str
    state: str
    severity: str
    summary: str
    time_left_s: float | None
    """Seconds until its limit, as judged at ``at``; None where no rule measures that."""
    at: datetime


class ClusterPage(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster."""

    title: str
    cluster: str
    nodes: list[NodeRow]
    nodes_total: int
    links: list[LinkRow]
    links_total: int
    page: int
    pages: int
    incidents: list[IncidentRow]
    incidents_total: int
    alerts: list[AlertRow]
    slots: list[ListedSlot]
    changes: list[Change]
    """The newest first."""
    plots: list[LagPlot]
    map: FleetMap


def view(model: ReadModel, asked: Asked) -> ClusterPage:
    """``cluster`` names it, ``page`` counts its links from 1. Raises NotFound."""
    name = asked.text("cluster")
    nodes = sorted((each for each in model.nodes.values() if each.cluster == name), key=lambda each: each.node)
    links = sorted(
        (each for each in model.links.values() if each.cluster == name),
        key=lambda each: badness(each.verdict, each.lag_s or each.lag_at_least_s, each.link),
    )
    incidents = [
        each
        for kept in (model.open_incidents, model.resolved_incidents)
        for each in kept.values()
        if each.cluster == name
    ]
    if not nodes and not links and not incidents:
        raise NotFound(f"there is no cluster {name!r}: the topics have no node, link or incident of that name")
    most = max(1, -(-len(links) // LINKS_A_PAGE))
    page = asked.number("page", 1, least=1, most=most)
    changes = sorted((each.change for each in model.changes.get(name) or ()), key=lambda each: each.at, reverse=True)
    return ClusterPage(
        title=name,
        cluster=name,
        nodes=[node_row(each) for each in sorted(nodes, key=lambda each: each.health == "up")[:NODES_SHOWN]],
        nodes_total=len(nodes),
        links=[link_row(model, each) for each in links[(page - 1) * LINKS_A_PAGE : page * LINKS_A_PAGE]],
        links_total=len(links),
        page=page,
        pages=most,
        incidents=incident_rows(incidents)[:INCIDENTS_SHOWN],
        incidents_total=len(incidents),
        alerts=alert_rows(each for each in model.alerts.values() if each.cluster == name and each.to != "pending"),
        slots=list(_slots(model, name)),
        changes=changes[:CHANGES_SHOWN],
        plots=lag_plots(model, links, asked.now),
        map=draw([name], links, nodes, across=1),
    )


def _slots(model: ReadModel, cluster: str) -> Iterator[ListedSlot]:
    """Slots with an alert that is not over, those with the least time left first."""
    found = [each for each in model.alerts.values() if each.cluster == cluster and each.subject.kind == "slot"]
    rows = [
        ListedSlot(
            slot=each.subject.name or each.subject.id,
            node=each.subject.node,
            rule=each.rule,
            state=each.to,
            severity=each.severity,
            summary=each.summary,
            time_left_s=each.value if each.rule == FORECAST else None,
            at=each.event_time,
        )
        for each in found
    ]
    yield from sorted(rows, key=lambda row: (row.time_left_s is None, row.time_left_s or 0.0, row.slot, row.rule))


PAGE: Final = Page("/cluster", "Cluster", "cluster.html", view, is_same_for_all=True)

"""One cluster: its topology, its alerts and incidents, the lags of its links, its slots, and what was changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from leadline.model.alert import Transition, severity_rank
from leadline.model.incident import Change
from leadline.model.status import NodeStatus, SlotStatus
from leadline.words import roughly
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
SLOTS_SHOWN: Final = 200
INCIDENTS_SHOWN: Final = 20


class ListedSlot(msgspec.Struct, frozen=True, kw_only=True):
    """One slot with its worst alert, and when it is lost or fills its volume."""

    slot: str
    node: str | None
    rule: str
    """Empty without an alert, as ``state``, ``severity`` and ``summary``."""
    state: str
    severity: str
    summary: str
    other_rules: list[str]
    """The rules of its further alerts."""
    time_left_s: float | None
    """Seconds until its limit, as judged at ``at``; None where it does not grow, or no limit is seen."""
    room: str
    """The same in words; the reason, where there is no such time."""
    shown: SlotStatus | None
    """The slot as its server shows it; None where it has an alert and is not listed."""
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
    slots_total: int
    """All slots; more than are listed where there are many."""
    slots_unseen: list[str]
    """Servers that are not up, whose slots are not seen."""
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
    slots = _slots(model, name, nodes)
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
        slots=slots[:SLOTS_SHOWN],
        slots_total=max(len(slots), sum(each.slots_total for each in nodes)),
        slots_unseen=[each.node for each in nodes if each.health != "up"],
        changes=changes[:CHANGES_SHOWN],
        plots=lag_plots(model, links, asked.now),
        map=draw([name], links, nodes, across=1),
    )


def _slots(model: ReadModel, cluster: str, nodes: Iterable[NodeStatus]) -> list[ListedSlot]:
    """All slots that are shown or have an alert that is not over, those with the least time left first."""
    shown = {(str(each.node), slot.name): (slot, each.at) for each in nodes for slot in each.slots}
    alerts: dict[tuple[str, str], list[Transition]] = {place: [] for place in shown}
    for alert in model.alerts.values():
        if alert.cluster == cluster and alert.subject.kind == "slot":
            place = (str(alert.subject.node or ""), alert.subject.name or alert.subject.id)
            alerts.setdefault(place, []).append(alert)
    rows = [_slot(place, shown.get(place), found) for place, found in alerts.items()]
    return sorted(
        rows,
        key=lambda row: (
            row.time_left_s is None,
            row.time_left_s or 0.0,
            not row.rule,
            -((row.shown.retained_bytes if row.shown is not None else None) or 0),
            row.slot,
        ),
    )


def _slot(
    place: tuple[str, str], found: tuple[SlotStatus, datetime] | None, alerts: Sequence[Transition]
) -> ListedSlot:
    ranked = sorted(alerts, key=lambda each: (each.to != "firing", -severity_rank(each.severity), each.rule))
    worst = ranked[0] if ranked else None
    slot, at = found if found is not None else (None, None)
    left_s = slot.full_in_s if slot is not None else None
    for each in alerts:
        if at is None or (each.rule == FORECAST and each.event_time > at):
            left_s, at = each.value if each.rule == FORECAST else left_s, each.event_time
    assert at is not None
    return ListedSlot(
        slot=place[1],
        node=place[0] or None,
        rule=worst.rule if worst is not None else "",
        state=worst.to if worst is not None else "",
        severity=worst.severity if worst is not None else "",
        summary=worst.summary if worst is not None else "",
        other_rules=[each.rule for each in ranked[1:]],
        time_left_s=left_s,
        room=_room(slot, left_s),
        shown=slot,
        at=at,
    )


def _room(slot: SlotStatus | None, left_s: float | None) -> str:
    if left_s is not None:
        return roughly(left_s)
    if slot is None or slot.trend == "unknown":
        return "not known"
    if slot.trend == "grows":
        return "no limit is seen"
    return {"lost": "lost", "little": "retains little", "steady": "does not grow"}[slot.trend]


PAGE: Final = Page("/cluster", "Cluster", "cluster.html", view, is_same_for_all=True)

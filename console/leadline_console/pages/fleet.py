"""The first page: every cluster and every link, worst first, as a map and as lists that say the same."""

from collections import defaultdict
from typing import Final

import msgspec

from leadline.model.incident import Incident
from leadline.model.status import LinkStatus, NodeStatus
from leadline_console.fleet_map import FleetMap, draw
from leadline_console.page import Asked, Page
from leadline_console.read_model import ReadModel
from leadline_console.rows import (
    BADNESS,
    IncidentRow,
    LinkRow,
    badness,
    incident_rows,
    link_row,
    mood_of_link,
    mood_of_node,
)

CLUSTERS_A_PAGE: Final = 12
LINKS_A_PAGE: Final = 50
INCIDENTS_SHOWN: Final = 20
SHOWN: Final = ("all", "problems")


class ClusterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster."""

    cluster: str
    mood: str
    nodes: int
    nodes_not_up: int
    links: int
    links_bad: int
    links_unknown: int
    worst_verdict: str
    """Empty where the cluster has no link."""
    worst_lag_s: float | None
    incidents: int
    """Open pages."""


class FleetPage(msgspec.Struct, frozen=True, kw_only=True):
    """The first page."""

    clusters_total: int
    links_total: int
    nodes_total: int
    links_bad: int
    links_unknown: int
    search: str
    show: str
    page: int
    pages: int
    links_found: int
    incidents: list[IncidentRow]
    """Open pages, at most 20."""
    incidents_total: int
    clusters: list[ClusterRow]
    """Those of this page of the list, worst first."""
    clusters_found: int
    links: list[LinkRow]
    map: FleetMap


def view(model: ReadModel, asked: Asked) -> FleetPage:
    """``q`` searches the names, ``show=problems`` leaves out what is fine, ``page`` counts from 1."""
    search, show = asked.text("q").strip(), asked.one_of("show", SHOWN)
    wanted = search.lower()
    pages = [each for each in model.open_incidents.values() if each.class_ == "page"]
    links = [each for each in model.links.values() if _fits(wanted, each.cluster, each.upstream, each.downstream)]
    nodes = [each for each in model.nodes.values() if _fits(wanted, each.cluster, each.node)]
    found = links if show == "all" else [each for each in links if mood_of_link(each.verdict) != "fine"]
    found = sorted(found, key=lambda each: badness(each.verdict, each.lag_s or each.lag_at_least_s, each.link))
    clusters = _clusters(model, links, nodes, pages)
    if show == "problems":
        clusters = [each for each in clusters if each.mood != "fine"]
    most = max(-(-len(found) // LINKS_A_PAGE), -(-len(clusters) // CLUSTERS_A_PAGE), 1)
    page = asked.number("page", 1, least=1, most=most)
    shown = clusters[(page - 1) * CLUSTERS_A_PAGE : page * CLUSTERS_A_PAGE]
    rows = [link_row(model, each) for each in found[(page - 1) * LINKS_A_PAGE : page * LINKS_A_PAGE]]
    names = {each.cluster for each in shown}
    moods = [mood_of_link(each.verdict) for each in model.links.values()]
    return FleetPage(
        clusters_total=len({each.cluster for each in model.nodes.values()} | {e.cluster for e in model.links.values()}),
        links_total=len(model.links),
        nodes_total=len(model.nodes),
        links_bad=moods.count("bad"),
        links_unknown=moods.count("unknown"),
        search=search,
        show=show,
        page=page,
        pages=most,
        links_found=len(found),
        incidents=incident_rows(pages)[:INCIDENTS_SHOWN],
        incidents_total=len(pages),
        clusters=shown,
        clusters_found=len(clusters),
        links=rows,
        map=draw(
            [each.cluster for each in shown],
            [each for each in model.links.values() if each.cluster in names],
            [each for each in model.nodes.values() if each.cluster in names],
        ),
    )


def _fits(wanted: str, *names: str) -> bool:
    """Whether one of the names has the text, in any case."""
    return not wanted or any(wanted in name.lower() for name in names)


def _clusters(
    model: ReadModel, links: list[LinkStatus], nodes: list[NodeStatus], pages: list[Incident]
) -> list[ClusterRow]:
    by_links: dict[str, list[LinkStatus]] = defaultdict(list)
    by_nodes: dict[str, list[NodeStatus]] = defaultdict(list)
    by_pages: dict[str, int] = defaultdict(int)
    for link in links:
        by_links[link.cluster].append(link)
    for node in nodes:
        by_nodes[node.cluster].append(node)
    for incident in pages:
        by_pages[incident.cluster] += 1
    names = by_links.keys() | by_nodes.keys()
    rows = [_row(name, by_links[name], by_nodes[name], by_pages[name]) for name in names]
    order = {"bad": 0, "unknown": 1, "fine": 2}
    return sorted(
        rows,
        key=lambda row: (
            not row.incidents,
            order[row.mood],
            BADNESS.get(row.worst_verdict, len(BADNESS)),
            -(row.worst_lag_s or 0.0),
            row.cluster,
        ),
    )


def _row(name: str, links: list[LinkStatus], nodes: list[NodeStatus], incidents: int) -> ClusterRow:
    moods = [mood_of_link(each.verdict) for each in links]
    all_moods = {*moods, *(mood_of_node(each) for each in nodes)}
    return ClusterRow(
        cluster=name,
        mood="bad" if incidents or "bad" in all_moods else "unknown" if "unknown" in all_moods else "fine",
        nodes=len(nodes),
        nodes_not_up=sum(1 for each in nodes if each.health != "up"),
        links=len(links),
        links_bad=moods.count("bad"),
        links_unknown=moods.count("unknown"),
        worst_verdict=min((each.verdict for each in links), key=lambda each: BADNESS.get(each, 0), default=""),
        worst_lag_s=max((each.lag_s for each in links if each.lag_s is not None), default=None),
        incidents=incidents,
    )


PAGE: Final = Page("/", "Fleet", "fleet.html", view, menu="Fleet")

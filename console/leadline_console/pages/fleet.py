"""The first page: every cluster and every link, worst first, as a map and as lists that say the same."""

from collections import Counter, defaultdict
from heapq import nsmallest
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
    by_links: dict[str, list[LinkStatus]] = defaultdict(list)
    by_nodes: dict[str, list[NodeStatus]] = defaultdict(list)
    for link in model.links.values():
        by_links[link.cluster].append(link)
    for node in model.nodes.values():
        by_nodes[node.cluster].append(node)
    verdicts = Counter(each.verdict for each in model.links.values())
    moods: Counter[str] = Counter()
    for verdict, count in verdicts.items():
        moods[mood_of_link(verdict)] += count
    found = [each for each in model.links.values() if _fits(wanted, each.cluster, each.upstream, each.downstream)]
    clusters = _clusters(by_links, by_nodes, pages, wanted)
    if show == "problems":
        found = [each for each in found if mood_of_link(each.verdict) != "fine"]
        clusters = [each for each in clusters if each.mood != "fine"]
    most = max(-(-len(found) // LINKS_A_PAGE), -(-len(clusters) // CLUSTERS_A_PAGE), 1)
    page = asked.number("page", 1, least=1, most=most)
    shown = clusters[(page - 1) * CLUSTERS_A_PAGE : page * CLUSTERS_A_PAGE]
    worst = nsmallest(
        page * LINKS_A_PAGE, found, key=lambda each: badness(each.verdict, each.lag_s or each.lag_at_least_s, each.link)
    )
    return FleetPage(
        clusters_total=len(by_links.keys() | by_nodes.keys()),
        links_total=len(model.links),
        nodes_total=len(model.nodes),
        links_bad=moods["bad"],
        links_unknown=moods["unknown"],
        search=search,
        show=show,
        page=page,
        pages=most,
        links_found=len(found),
        incidents=incident_rows(pages)[:INCIDENTS_SHOWN],
        incidents_total=len(pages),
        clusters=shown,
        clusters_found=len(clusters),
        links=[link_row(model, each) for each in worst[(page - 1) * LINKS_A_PAGE :]],
        map=draw(
            [each.cluster for each in shown],
            [link for each in shown for link in by_links[each.cluster]],
            [node for each in shown for node in by_nodes[each.cluster]],
        ),
    )


def _fits(wanted: str, *names: str) -> bool:
    """Whether one of the names has the text, in any case."""
    return not wanted or any(wanted in name.lower() for name in names)


def _clusters(
    by_links: dict[str, list[LinkStatus]], by_nodes: dict[str, list[NodeStatus]], pages: list[Incident], wanted: str
) -> list[ClusterRow]:
    """Those that have the text in their name or in that of a node, worst first."""
    by_pages: Counter[str] = Counter(each.cluster for each in pages)
    rows = []
    for name in by_links.keys() | by_nodes.keys():
        links, nodes = by_links.get(name, []), by_nodes.get(name, [])
        ends = (end for each in links for end in (each.upstream, each.downstream))
        if _fits(wanted, name, *((*ends, *(each.node for each in nodes)) if wanted else ())):
            rows.append(_row(name, links, nodes, by_pages[name]))
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
    verdicts = [each.verdict for each in links]
    moods = [mood_of_link(each) for each in verdicts]
    all_moods = {*moods, *map(mood_of_node, nodes)}
    return ClusterRow(
        cluster=name,
        mood="bad" if incidents or "bad" in all_moods else "unknown" if "unknown" in all_moods else "fine",
        nodes=len(nodes),
        nodes_not_up=sum(1 for each in nodes if each.health != "up"),
        links=len(links),
        links_bad=moods.count("bad"),
        links_unknown=moods.count("unknown"),
        worst_verdict=min(set(verdicts), key=lambda each: BADNESS.get(each, 0), default=""),
        worst_lag_s=max((each.lag_s for each in links if each.lag_s is not None), default=None),
        incidents=incidents,
    )


PAGE: Final = Page("/", "Fleet", "fleet.html", view, menu="Fleet", is_same_for_all=True)

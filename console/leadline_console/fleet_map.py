"""Clusters and their links as shapes of an SVG: a column for each depth of replication, the worst links first. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec

from leadline.model.status import LinkStatus, NodeStatus
from leadline_console.rows import badness, mood_of_link, mood_of_node

MOST_NODES: Final = 10
"""Nodes that are drawn of one cluster; the others are counted."""
WIDTH, ROW, COLUMN, TOP, NODE_WIDTH, NODE_HEIGHT = 340, 34, 116, 30, 92, 24
"""In units of the drawing, of one cluster."""
ACROSS: Final = 3
GAP: Final = 16
LONGEST: Final = 14
"""Characters of a node's name that fit into its box."""


class MapNode(msgspec.Struct, frozen=True, kw_only=True):
    """The box of a node."""

    node: str
    role: str
    mood: str
    x: int
    y: int


class MapLink(msgspec.Struct, frozen=True, kw_only=True):
    """The line of a link."""

    link: str
    upstream: str
    downstream: str
    verdict: str
    mood: str
    x1: int
    y1: int
    x2: int
    y2: int


class MapCluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster, at its place in the drawing."""

    cluster: str
    x: int
    y: int
    width: int
    height: int
    nodes: list[MapNode]
    links: list[MapLink]
    left_out: int
    """Nodes that are not drawn."""


class FleetMap(msgspec.Struct, frozen=True, kw_only=True):
    """The whole drawing."""

    width: int
    height: int
    clusters: list[MapCluster]


def draw(
    clusters: Sequence[str], links: Sequence[LinkStatus], nodes: Sequence[NodeStatus], across: int = ACROSS
) -> FleetMap:
    """The clusters in this order, ``across`` beside each other."""
    by_links: dict[str, list[LinkStatus]] = defaultdict(list)
    by_nodes: dict[str, list[NodeStatus]] = defaultdict(list)
    for link in links:
        by_links[link.cluster].append(link)
    for node in nodes:
        by_nodes[node.cluster].append(node)
    found: list[MapCluster] = []
    top = 0
    for start in range(0, len(clusters), across):
        row = [
            _cluster(name, by_links[name], by_nodes[name], index * (WIDTH + GAP), top)
            for index, name in enumerate(clusters[start : start + across])
        ]
        found += row
        top += max(each.height for each in row) + GAP
    columns = min(across, len(clusters))
    return FleetMap(width=max(1, columns * (WIDTH + GAP) - GAP), height=max(1, top - GAP), clusters=found)


def _cluster(name: str, links: list[LinkStatus], nodes: list[NodeStatus], x: int, y: int) -> MapCluster:
    links = sorted(links, key=lambda each: badness(each.verdict, each.lag_s or each.lag_at_least_s, each.link))
    known = {each.node: each for each in nodes}
    names = list(dict.fromkeys([end for link in links for end in (link.upstream, link.downstream)] + sorted(known)))
    depths = _depths(links, names)
    drawn = sorted(names[:MOST_NODES], key=lambda each: depths[each])
    places: dict[str, tuple[int, int]] = {}
    filled: dict[int, int] = defaultdict(int)
    for each in drawn:
        column = min(depths[each], 2)
        places[each] = (x + 10 + column * COLUMN, y + TOP + filled[column] * ROW)
        filled[column] += 1
    rows = max(filled.values(), default=1)
    return MapCluster(
        cluster=name,
        x=x,
        y=y,
        width=WIDTH,
        height=TOP + rows * ROW + 4,
        left_out=len(names) - len(drawn),
        nodes=[_node(each, known.get(each), *places[each]) for each in drawn],
        links=[
            _line(link, places)
            for link in reversed(links)  # the worst is drawn last, on top
            if link.upstream in places and link.downstream in places
        ],
    )


def _depths(links: Sequence[LinkStatus], names: Sequence[str]) -> dict[str, int]:
    """The number of links from each node up to one that follows nobody; 0 for all of a circle."""
    above: dict[str, list[str]] = defaultdict(list)
    for link in links:
        above[link.downstream].append(link.upstream)
    depths = dict.fromkeys(names, 0)
    for _ in range(3):  # three columns are drawn
        for name in names:
            if above[name]:
                depths[name] = min(3, 1 + min(depths[up] for up in above[name]))
    return depths


def _node(name: str, status: NodeStatus | None, x: int, y: int) -> MapNode:
    mood = mood_of_node(status) if status is not None else "unknown"
    return MapNode(node=name, role=status.role if status is not None else "unknown", mood=mood, x=x, y=y)


def _line(link: LinkStatus, places: dict[str, tuple[int, int]]) -> MapLink:
    (x1, y1), (x2, y2) = places[link.upstream], places[link.downstream]
    forward = x2 > x1
    return MapLink(
        link=link.link,
        upstream=link.upstream,
        downstream=link.downstream,
        verdict=link.verdict,
        mood=mood_of_link(link.verdict),
        x1=x1 + (NODE_WIDTH if forward else NODE_WIDTH // 2),
        y1=y1 + NODE_HEIGHT // 2,
        x2=x2 + (0 if forward else NODE_WIDTH // 2),
        y2=y2 + NODE_HEIGHT // 2,
    )

"""The status of links and nodes: when a record of it is due, and the record.

A record is due when the verdict, the connection, the health or the role changed; when a lag or a write rate moved far,
or moved at all while the link is not healthy; and at a slow beat. A link that is gone is forgotten with a tombstone.
"""

from dataclasses import dataclass
from zlib import crc32

from leadline.clock import moment
from leadline.model.ids import ClusterName, NodeName
from leadline.model.observation import Unit
from leadline.model.status import LinkStatus, NodeHealth, NodeStatus
from leadline_streams.judge.state import LinkState, NodeState

BEAT_S = 60.0
"""Longest time between two records. The first beats of a fleet are spread over it."""
LAG_EVERY_S = 1.0
LAG_STEP = 0.02
"""While a link is not healthy its lag is published when it moved by this part, each second at most and ten at least."""
LAG_MOVED_S = 1.0
"""The lag of a healthy link is published when it moved so far."""
CAUGHT_UP = ("idle", "healthy")
"""A link changes between these with the load of its primary."""
RATE_SPAN_S = 10.0
RATE_EVERY_S = 10.0
RATE_STEP = 0.25
"""The write rate of a primary is published when it moved by this part, each ten seconds at most."""
RATE_LEAST: dict[Unit, float] = {"bytes": 1000.0, "transactions": 1.0}
"""Units a second. Below, a primary is idle: what it writes by itself is not published."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A link whose status is over."""

    link: str


def link_is_due(link: LinkState, now: float) -> bool:
    """Whether a record of a link is due at once: its connection or health changed, or its lag moved."""
    if not link.is_settled(now):
        return False
    healthy = link.verdict in CAUGHT_UP
    changed = link.verdict != link.status_verdict and not (healthy and link.status_verdict in CAUGHT_UP)
    if changed or link.connected != link.status_connected:
        return True
    if healthy:
        return now - link.status_at >= LAG_EVERY_S and _lag_moved(link)
    if link.lag_s == link.status_lag_s:
        return False
    return now - link.status_at >= min(max(LAG_EVERY_S, LAG_STEP * (link.lag_s or 0.0)), 10 * LAG_EVERY_S)


def link_beat_is_due(link: LinkState, now: float) -> bool:
    """Whether a record is due of a link that a window of its roll-up ends for: that of a healthy link, above all."""
    changed = link.verdict != link.status_verdict or _lag_moved(link)
    return link.is_settled(now) and (changed or now - link.status_at >= BEAT_S)


def _lag_moved(link: LinkState) -> bool:
    return abs((link.lag_s or 0.0) - (link.status_lag_s or 0.0)) >= LAG_MOVED_S


def publish_link(
    link: LinkState, up: NodeState | None, down: NodeState | None, cluster: ClusterName, now: float
) -> LinkStatus:
    """The record of a link; it counts as published."""
    link.status_at = now if link.status_at else now - _phase(link.id)
    link.status_verdict, link.status_connected, link.status_lag_s = link.verdict, link.connected, link.lag_s
    owner = down or up
    return LinkStatus(
        cluster=cluster,
        datacenter=owner.node.datacenter if owner is not None else "",
        link=link.id,
        upstream=link.upstream,
        downstream=link.downstream,
        link_kind=link.kind,
        name=link.name,
        verdict=link.verdict,
        since=moment(link.verdict_since),
        connected=link.connected,
        lag_s=round(link.lag_s, 3) if link.lag_s is not None else None,
        lag_is_bound=link.lag_is_bound,
        behind=link.lag_units,
        unit=link.unit,
        observers=[end.name for end in (up, down) if end is not None and not end.stale],
        at=moment(now),
    )


def node_is_due(node: NodeState, unit: Unit, now: float) -> bool:
    """Whether a record of a node is due. If not, it is not due for another while, but by a change of role or health."""
    if (_status_of(node), _note_of(node)) != (node.status, node.status_note):
        return True
    if now < node.status_next:
        return False
    node.status_next = now + RATE_EVERY_S
    if now - node.status_at >= BEAT_S:
        return True
    rate, before = _rate_of(node) or 0.0, node.status_rate
    return abs(rate - before) >= RATE_STEP * max(rate, before) and max(rate, before) >= RATE_LEAST[unit]


def publish_node(node: NodeState, cluster: ClusterName, position: str | None, unit: Unit, now: float) -> NodeStatus:
    """The record of a node; it counts as published."""
    state, rate = _status_of(node), _rate_of(node)
    if state != node.status:
        node.status, node.status_since = state, now
    node.status_note, node.status_rate = _note_of(node), rate or 0.0
    node.status_at = now if node.status_at else now - _phase(node.name)
    node.status_next = now + RATE_EVERY_S
    health = _health_of(node)
    return NodeStatus(
        cluster=cluster,
        datacenter=node.node.datacenter,
        node=NodeName(node.name),
        engine=node.node.engine,
        version=node.node.version,
        role=node.node.role,
        health=health,
        since=moment(node.status_since),
        note={"up": None, "down": node.error, "silent": "its agent is silent"}[health],
        position=position,
        write_rate=rate,
        unit=unit,
        at=moment(now),
    )


def _health_of(node: NodeState) -> NodeHealth:
    return "silent" if node.stale else "up" if node.up else "down"


def _status_of(node: NodeState) -> str:
    """A change of this begins a new ``since``."""
    return f"{node.node.role} {_health_of(node)}"


def _note_of(node: NodeState) -> str:
    """A change of this is published at once, too."""
    return f"{node.node.version} {node.error or ''}"


def _rate_of(node: NodeState) -> float | None:
    return node.clock.rate(RATE_SPAN_S) if node.writable else None


def _phase(ident: str) -> float:
    return crc32(ident.encode("utf-8", "surrogatepass")) % 1000 / 1000 * BEAT_S

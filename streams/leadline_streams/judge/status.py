"""The status of links and nodes: when a record of it is due, and the record.

A record is due when the verdict, the connection, the health or the role changed; while a link is not healthy, when its
lag moved; and at a slow beat. A link that is gone is forgotten with a tombstone.
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
RATE_SPAN_S = 10.0
CAUGHT_UP = ("idle", "healthy")
"""A link changes between these with the load of its primary."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A link whose status is over."""

    link: str


def link_is_due(link: LinkState, now: float) -> bool:
    """Whether a record of a link is due at once: its connection or health changed, or it is not healthy and moved."""
    if not link.is_settled(now):
        return False
    healthy = link.verdict in CAUGHT_UP
    changed = link.verdict != link.status_verdict and not (healthy and link.status_verdict in CAUGHT_UP)
    if changed or link.connected != link.status_connected:
        return True
    if healthy or link.lag_s == link.status_lag_s:
        return False
    return now - link.status_at >= min(max(LAG_EVERY_S, LAG_STEP * (link.lag_s or 0.0)), 10 * LAG_EVERY_S)


def link_beat_is_due(link: LinkState, now: float) -> bool:
    """Whether a record of a link is due as a window of its roll-up ends: it became idle or busy, or the beat is due."""
    return link.is_settled(now) and (link.verdict != link.status_verdict or now - link.status_at >= BEAT_S)


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


def node_is_due(node: NodeState, now: float) -> bool:
    """Whether a record of a node is due."""
    return now - node.status_at >= BEAT_S or _state_of(node) != node.status


def publish_node(node: NodeState, cluster: ClusterName, position: str | None, unit: Unit, now: float) -> NodeStatus:
    """The record of a node; it counts as published."""
    state = _state_of(node)
    if state != node.status:
        node.status, node.status_since = state, now
    node.status_at = now if node.status_at else now - _phase(node.name)
    health: NodeHealth = "silent" if node.stale else "up" if node.up else "down"
    writes = node.takes_writes and health == "up"
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
        write_rate=node.clock.rate(RATE_SPAN_S) if writes else None,
        unit=unit,
        at=moment(now),
    )


def _state_of(node: NodeState) -> str:
    """The part of a node's status whose change is published at once."""
    health = "silent" if node.stale else "up" if node.up else f"down {node.error}"
    return f"{node.node.role} {node.node.version} {health}"


def _phase(ident: str) -> float:
    return crc32(ident.encode("utf-8", "surrogatepass")) % 1000 / 1000 * BEAT_S

"""The status of links and nodes: when a record of it is due, and the record.

A record is due when the verdict, the connection, the health or the role changed; when the lag moved far, or at all
while the link is not healthy; and when the last record is older than ``every_s``. A link that is gone is forgotten with
a tombstone.
"""

from dataclasses import dataclass
from sys import intern
from typing import Final
from zlib import crc32

from leadline.clock import moment
from leadline.model.ids import ClusterName, NodeName
from leadline.model.status import LinkStatus, NodeHealth, NodeStatus
from leadline.numbers import within_int64
from leadline_streams.judge.engine import Engine
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState, Reach

LAG_EVERY_S = 1.0
LAG_AT_LEAST_EVERY_S = 10.0
LAG_STEP = 0.02
"""While a link is not healthy, a lag that moves is published after this part of it, within these two times."""
LAG_MOVED_S = 1.0
"""The lag of a healthy link is published when it moved so far."""
SLOTS_EVERY_S = 30.0
"""A node is published so often while one of its slots retains much."""
CAUGHT_UP = ("idle", "healthy")
"""A link changes between these with the load of its primary."""
RATE_SPAN_S = 10.0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A link or node whose status is over."""

    ident: str
    retired: str = ""
    """Of a node, the reason: ``evidence``, ``time`` or ``command``."""


def link_is_due(link: LinkState, now: float, every_s: float) -> bool:
    """Whether a record of a link is due at once: its connection or health changed, or its lag moved."""
    if not link.is_settled(now):
        return False
    healthy = link.verdict in CAUGHT_UP
    changed = link.verdict != link.status_verdict and not (healthy and link.status_verdict in CAUGHT_UP)
    if changed or link.connected != link.status_connected:
        return True
    if healthy:
        return _lag_moved(link)
    if link.shown_lag_s == link.status_lag_s:
        return False
    return now - link.status_at >= min(
        max(LAG_EVERY_S, LAG_STEP * (link.shown_lag_s or 0.0)), LAG_AT_LEAST_EVERY_S, every_s
    )


def link_is_due_with_rollup(link: LinkState, now: float, every_s: float) -> bool:
    """Whether a record of a published link is due as its roll-up ends: it became idle or busy, or the last is old."""
    return link.status_at > 0.0 and (link.verdict != link.status_verdict or now - link.status_at >= every_s)


def _lag_moved(link: LinkState) -> bool:
    return abs((link.shown_lag_s or 0.0) - (link.status_lag_s or 0.0)) >= LAG_MOVED_S


def publish_link(
    link: LinkState, up: NodeState | None, down: NodeState | None, cluster: ClusterName, now: float, every_s: float
) -> LinkStatus:
    """The record of a link; it counts as published."""
    link.status_at = _published_at(link.id, link.status_at, now, every_s)
    link.status_verdict, link.status_connected = link.verdict, link.connected
    link.status_lag_s = link.shown_lag_s
    return shown_link(link, up, down, cluster, now)


def shown_link(
    link: LinkState, up: NodeState | None, down: NodeState | None, cluster: ClusterName, now: float
) -> LinkStatus:
    """A link as it is now."""
    shown_s, owner = link.shown_lag_s, down or up
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
        lag_s=round(shown_s, 3) if shown_s is not None else None,
        lag_is_bound=link.lag_is_bound,
        lag_at_least_s=round(link.lag_s, 3) if link.lag_is_bound and link.lag_s is not None else None,
        behind=within_int64(link.lag_units),
        unit=link.unit,
        observers=[end.name for end in (up, down) if end is not None and not end.stale],
        at=moment(now),
    )


def node_is_due(node: NodeState, now: float, every_s: float) -> bool:
    """Whether a record of a node is due. None is before the first report on the server itself."""
    if node.kept is None and node.up and not node.stale:
        return False
    changed = (_status_of(node), _note_of(node)) != (node.status, node.status_note)
    return changed or now - node.status_at >= (min(SLOTS_EVERY_S, every_s) if node.held else every_s)


def publish_node(node: NodeState, cluster: ClusterName, engine: Engine, now: float, every_s: float) -> NodeStatus:
    """The record of a node; it counts as published."""
    state = _status_of(node)
    if state != node.status:
        node.status, node.status_since = intern(state), now
    node.status_note = intern(_note_of(node))
    node.status_at = _published_at(node.name, node.status_at, now, every_s)
    health = health_of(node)
    return NodeStatus(
        cluster=cluster,
        datacenter=node.node.datacenter,
        node=NodeName(node.name),
        engine=node.node.engine,
        version=node.node.version,
        role=node.node.role,
        health=health,
        since=moment(node.status_since),
        note="its agent does not report" if node.stale else node.error or _double_of(node),
        blind=node.blind if health == "up" else None,
        position=engine.position_of(node),
        write_rate=node.clock.rate(RATE_SPAN_S) if node.writable else None,
        unit=engine.unit,
        slots=engine.slots_of(node),
        slots_total=len(node.sample.slots) if node.answers and node.sample is not None else 0,
        at=moment(now),
    )


_HEALTH: Final[dict[Reach, NodeHealth]] = {
    "gone": "down",
    "hangs": "down",
    "locked_out": "refused",
    "not_ready": "not_ready",
    "unseen": "unseen",
}


def health_of(node: NodeState) -> NodeHealth:
    """Whether a node is up, and what is known of one that is not."""
    return "silent" if node.stale else "up" if node.up else _HEALTH[node.reach]


def _status_of(node: NodeState) -> str:
    """A change of this begins a new ``since``."""
    return f"{node.node.role} {health_of(node)}"


def _note_of(node: NodeState) -> str:
    """A change of this is published at once, too."""
    slots = node.shown.slots if node.answers and node.shown is not None else ()
    counted = f" {len(slots)}/{sum(slot.active for slot in slots)}" if slots else ""
    return f"{node.node.version} {node.error or ''} {node.blind or ''} {node.same_as or ''}{counted}"


def _double_of(node: NodeState) -> str | None:
    return f"the same server as {node.same_as}, under another address" if node.same_as is not None else None


def _published_at(ident: str, before: float, now: float, every_s: float) -> float:
    """Now. The first time is made earlier, so that the next records of a fleet are spread over the time between two."""
    if before:
        return now
    return now - crc32(ident.encode("utf-8", "surrogatepass")) % 1000 / 1000 * every_s

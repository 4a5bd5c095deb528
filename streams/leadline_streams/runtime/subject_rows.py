"""The gauges of the links, nodes and slots of clusters: of what is seen now, and of a bounded number.

Pure. A lag is shown while both what it counts from, the primary at the root, and the position of the downstream are
seen. A bound is no lag, and no zero stands for what is not known.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, get_args

from leadline import subject_metrics as names
from leadline.model.alert import Severity
from leadline.model.replication import Slot
from leadline.subject_metrics import Kind, readable
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import SlotContext
from leadline_streams.judge.state import Memory
from leadline_streams.judge.status import CAUGHT_UP, health_of
from leadline_streams.judge.view import View
from leadline_streams.rules import slot_retention_forecast

FRESH_S: Final = 60.0
"""A cluster whose newest tick is older shows when it was judged, and nothing else."""
Row = tuple[str, tuple[str, ...], float]
"""The name of a gauge, its labels and its value."""
Place = tuple[bool, str, str, str]
"""The order where there are too many: those with a problem, then by cluster and name, so that it stays the same."""


class SubjectRows:
    """Rows of the gauges, gathered cluster by cluster."""

    def __init__(self, now: float, most: int) -> None:
        """``now``: in seconds since 1970. ``most``: so many clusters, links, nodes and slots of each are shown."""
        self._now, self._most = now, most
        self._found: dict[Kind, dict[Place, list[Row]]] = defaultdict(dict)

    def add(self, state: ClusterState) -> None:
        """Gather what a cluster shows now."""
        memory = state.memory
        judged_at, is_fresh = memory.arrivals.horizon, self._now - memory.arrivals.now <= FRESH_S
        cluster: list[Row] = [(names.CLUSTER_JUDGED, (memory.cluster,), judged_at)] if judged_at else []
        if is_fresh:
            open_now = [incident.severity for incident in memory.incidents]
            cluster += [
                (names.CLUSTER_INCIDENTS, (memory.cluster, severity), float(open_now.count(severity)))
                for severity in get_args(Severity)
            ]
        self._found["clusters"][is_fresh and not memory.incidents, memory.cluster, "", ""] = cluster
        if not is_fresh:
            return
        view = View(memory)
        for link in memory.links.values():
            if link.is_settled(self._now):
                is_fine = link.verdict in CAUGHT_UP
                self._found["links"][is_fine, memory.cluster, link.id, ""] = list(_link(link, memory))
        for node in memory.nodes.values():
            if node.kept is None and node.up and not node.stale:
                continue  # its agent has not looked at it yet
            health = health_of(node)
            self._found["nodes"][health == "up", memory.cluster, node.name, ""] = list(_node(node, memory.cluster))
            if node.answers and (shown := node.shown) is not None and shown.slots:
                for slot in node.sample.slots if node.sample is not None else ():
                    place = (slot.name not in node.held, memory.cluster, node.name, slot.name)
                    self._found["slots"][place] = list(_slot(slot, SlotContext(view, self._now, node, slot)))

    def taken(self) -> tuple[names.Rows, dict[Kind, int]]:
        """The rows, and how many subjects of each kind are left out."""
        rows: dict[str, dict[tuple[str, ...], float]] = {}
        left_out: dict[Kind, int] = {}
        for kind in get_args(Kind):
            found = self._found[kind]
            left_out[kind] = max(0, len(found) - self._most)
            shown: Iterable[Place] = sorted(found)[: self._most] if left_out[kind] else found
            for place in shown:
                for name, labels, value in found[place]:
                    rows.setdefault(name, {})[readable(labels)] = value
        return rows, left_out


def position_is_seen(link: LinkState, up: NodeState | None, down: NodeState | None) -> bool:
    """Whether somebody sees where the downstream is now: its agent, or the sender of a link that is connected.

    The position of a server that is not running is known, since nothing moves it.
    """
    if down is not None and (down.answers or (down.down and down.reach == "gone" and down.kept is not None)):
        return True
    return link.connected and up is not None and up.answers


def lag_is_seen(link: LinkState, memory: Memory) -> bool:
    """Whether both ends of the lag are seen: the position, and the clock of the primary that it is measured on."""
    up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
    root = root_of(memory, link.upstream)
    clock = root if root is not None and root.clock.times else down
    return clock is not None and clock.answers and position_is_seen(link, up, down)


def _link(link: LinkState, memory: Memory) -> Iterator[Row]:
    up, down = memory.nodes.get(link.upstream), memory.nodes.get(link.downstream)
    owner = down or up
    ident = (memory.cluster, link.id, link.upstream, link.downstream)
    seen = sum(end is not None and end.answers for end in (up, down))
    datacenter = owner.node.datacenter if owner is not None else ""
    yield names.LINK_INFO, (*ident, link.kind, link.name, datacenter), 1.0
    yield names.LINK_VERDICT, (*ident, link.verdict), 1.0
    yield names.LINK_ENDS_SEEN, ident, float(seen)
    if seen:
        yield names.LINK_CONNECTED, ident, float(link.connected)
    if not lag_is_seen(link, memory):
        return
    if link.lag_is_bound:
        if link.lag_at_most_s is not None:
            yield names.LINK_LAG_AT_MOST, ident, link.lag_at_most_s
    elif link.lag_s is not None:
        yield names.LINK_LAG, ident, link.lag_s
    if link.lag_units is not None:
        gauge = names.LINK_BEHIND_BYTES if link.unit == "bytes" else names.LINK_BEHIND_TRANSACTIONS
        yield gauge, ident, float(link.lag_units)


def _node(node: NodeState, cluster: str) -> Iterator[Row]:
    health = health_of(node)
    yield names.NODE_HEALTH, (cluster, node.name, node.node.datacenter, node.node.role, health), 1.0
    if health == "up":
        yield names.NODE_BLIND, (cluster, node.name), float(node.blind is not None)


def _slot(slot: Slot, context: SlotContext) -> Iterator[Row]:
    ident = (context.cluster.cluster, context.node.name, slot.name)
    yield names.SLOT_ACTIVE, ident, float(slot.active)
    if slot.retained_bytes is not None:
        yield names.SLOT_RETAINED, ident, float(slot.retained_bytes)
    full_in_s = slot_retention_forecast.measure(context)
    if full_in_s is not None:
        yield names.SLOT_FULL_IN, ident, full_in_s

"""The chain of servers above a link, as far as agents can see it."""

from leadline.model.replication import Slot
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.rule import ClusterView

LONGEST = 64
"""So many servers of a chain are looked at, from its lower end. Nobody has longer ones on purpose."""


def root_of(cluster: ClusterView, name: str | None) -> NodeState | None:
    """The node at the top of the chain that ``name`` is in, or of its ``LONGEST`` lowest; None when no agent reads
    ``name``.
    """
    node = cluster.nodes.get(name) if name is not None else None
    seen: set[str] = set()
    while node is not None and node.node.role != "primary" and node.name not in seen and len(seen) < LONGEST:
        seen.add(node.name)
        above = cluster.nodes.get(node.upstream) if node.upstream is not None else None
        if above is None:
            break
        node = above
    return node


def clock_of(cluster: ClusterView, link: LinkState) -> PositionClock:
    """The clock of the primary at the root of a link; the downstream's own where no agent reads the upstream."""
    root = root_of(cluster, link.upstream)
    if root is None or not root.clock.times:
        down = cluster.nodes.get(link.downstream)
        return down.clock if down is not None else PositionClock()
    return root.clock


def consumer_of(cluster: ClusterView, node: NodeState, slot: Slot) -> str | None:
    """The consumer of a node's slot, connected or not; None when none is known."""
    known = cluster.derived(_by_slot)
    if node.name not in known:
        mine = reversed(cluster.below(node.name))  # the oldest holds
        known[node.name] = {link.slot: link for link in mine if link.slot is not None}
    link = known[node.name].get(slot.name)
    if link is None:
        return None
    return f"{link.name} on {link.downstream}" if link.name else link.downstream


def _by_slot(_: ClusterView) -> dict[str, dict[str, LinkState]]:
    """The oldest link of each slot, by node: of those nodes that were asked about."""
    return {}

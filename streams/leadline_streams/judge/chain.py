"""The chain of servers above a link, as far as agents can see it."""

from leadline.model.observation import Slot
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.position_clock import PositionClock
from leadline_streams.judge.rule import ClusterView


def root_of(cluster: ClusterView, name: str | None) -> NodeState | None:
    """The node at the top of the chain that ``name`` is in; None when no agent reads ``name``."""
    node = cluster.nodes.get(name) if name is not None else None
    seen = set()
    while node is not None and node.node.role != "primary" and node.name not in seen:
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
    link = cluster.derived(_by_slot).get((node.name, slot.name))
    if link is None:
        return None
    return f"{link.name} on {link.downstream}" if link.name else link.downstream


def _by_slot(cluster: ClusterView) -> dict[tuple[str, str], LinkState]:
    """The oldest link of each slot."""
    found: dict[tuple[str, str], LinkState] = {}
    for link in cluster.links.values():
        if link.slot is not None:
            found.setdefault((link.upstream, link.slot), link)
    return found

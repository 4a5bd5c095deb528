"""Servers that have not answered since looking began: their role and their links are known from others only."""

from leadline_streams.judge.rule import ClusterView
from leadline_streams.judge.state import NodeState


def is_unread(node: NodeState) -> bool:
    """Whether its agent reports and no look at the server has succeeded yet."""
    return node.sample is None and node.down


def followers_of(cluster: ClusterView, node: NodeState) -> list[NodeState]:
    """Standbys that answer and are configured to follow an unread server, by its address; none for another server."""
    if not is_unread(node):
        return []
    addresses = {f"{node.node.host}:{node.node.port}", *node.node.aliases}
    return [other for other in cluster.nodes.values() if other is not node and _follows(other, addresses)]


def _follows(other: NodeState, addresses: set[str]) -> bool:
    receiver = other.sample.upstream if other.answers and other.sample is not None else None
    return receiver is not None and bool(receiver.host) and f"{receiver.host}:{receiver.port}" in addresses

"""Servers that have not answered since looking began: their role and their links are known from others only."""

from leadline_streams.engines.postgresql.identity import addresses, is_at, is_local, servers_named
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView

LOCALLY = ""
"""The place of all addresses that mean the machine itself."""
PROMOTED = 2
"""The first timeline of a server that was promoted."""


def is_unread(node: NodeState) -> bool:
    """Whether its agent reports and no look at the server has succeeded yet."""
    return node.sample is None and node.down


def followers_of(cluster: ClusterView, node: NodeState) -> list[NodeState]:
    """Standbys that answer and are configured to follow an unread server, by its address; none for another server."""
    if not is_unread(node):
        return []
    configured = cluster.derived(_configured)
    likely = {name for place in (*addresses(node.node), LOCALLY) for name in configured.get(place, ())}
    return [other for name, other in cluster.nodes.items() if name in likely and _follows(other, node)]


def _configured(cluster: ClusterView) -> dict[str, set[str]]:
    """Nodes that answer, by the address that they are configured to follow."""
    found: dict[str, set[str]] = {}
    for node in cluster.nodes.values():
        receiver = node.sample.upstream if node.answers and node.sample is not None else None
        if receiver is not None and receiver.host:
            place = LOCALLY if is_local(receiver.host) else f"{receiver.host}:{receiver.port}"
            found.setdefault(place, set()).add(node.name)
    return found


def _follows(other: NodeState, node: NodeState) -> bool:
    receiver = other.sample.upstream if other.answers and other.sample is not None else None
    return receiver is not None and bool(receiver.host) and is_at(receiver.host, receiver.port, node.node, other.node)


def successor_of(cluster: ClusterView, node: NodeState) -> NodeState | None:
    """The server that followed an unread one, was promoted, and takes writes; None where it is not exactly one.

    A promotion leaves ``primary_conninfo`` as it was. One that names several servers does not say which was followed.
    """
    if not is_unread(node):
        return None
    found = [other for other in cluster.nodes.values() if other.same_as is None and _followed(other, node)]
    return found[0] if len(found) == 1 else None


def _followed(other: NodeState, node: NodeState) -> bool:
    if not other.writable or (other.node.timeline or 0) < PROMOTED:
        return False
    conninfo = other.settings.get("primary_conninfo")
    named = [
        (host, port)
        for host, port in servers_named(conninfo.value if conninfo is not None else "")
        if not is_at(host, port, other.node, other.node)
    ]
    return bool(named) and all(is_at(host, port, node.node, other.node) for host, port in named)

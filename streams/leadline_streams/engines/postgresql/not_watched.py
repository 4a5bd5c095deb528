"""Servers that watched servers are connected to and that no agent reads."""

from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import ClusterView
from leadline_streams.judge.unseen import Unwatched, unwatched


def servers_not_watched(cluster: ClusterView, node: NodeState, now: float) -> list[Unwatched]:
    """The servers that a node shows and that no agent reads, each once. A reader of changes may be any program."""
    found = unwatched(cluster, node, now) if node.same_as is None else ()
    return list({each.name: each for each in found if each.link is None or is_streaming(each.link)}.values())

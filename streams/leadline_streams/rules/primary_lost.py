"""``primary_lost``: a primary is not there, and everybody who received from it lost it."""

from leadline.words import duration
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact

BEFORE_S = 5.0
"""A downstream may be seen to lose the server this long before its agent does, or falls silent."""


def measure(context: NodeContext) -> float | None:
    """Seconds since its agent last read it; not one that answered that it stops, or that was replaced."""
    node = context.node
    if node.node.role != "primary" or node.stopping or (node.up and not node.stale):
        return None
    if not node.stale and node.reach == "not_ready":
        return UNKNOWN  # it is back, and may take a while: this says neither that it is lost nor that it is well
    if not node.stale and node.reach not in ("gone", "hangs"):
        return None
    if not lost_by(context) or _is_replaced(context):
        return None
    return context.now - _since(node)


def lost_by(context: NodeContext) -> list[str]:
    """The downstreams that lost it when its agent did; none while one of those that answer still receives."""
    cluster, since = context.cluster, _since(context.node) - BEFORE_S
    lost: list[str] = []
    for link in cluster.below(context.node.name):
        down = cluster.nodes.get(link.downstream)
        if down is None or not down.answers:
            continue
        if link.connected:
            return []
        if link.cut_at >= since:
            lost.append(link.downstream)
    return sorted(set(lost))


def describe(context: NodeContext, value: float) -> Words:
    """The report of its agent, and the downstreams that lost it."""
    node, lost = context.node, lost_by(context)
    why = "its agent is silent" if node.stale else node.error or "no reason given"
    others = f", and {' and '.join(lost)} lost it" if lost else ""
    return Words(
        f"primary {node.name} has been lost for {duration(context.now - _since(node))}: {why}{others}",
        [
            fact("up", "not seen" if node.stale else "false", node.name, why),
            fact("address", f"{node.node.host}:{node.node.port}", node.name),
            *(fact("connected", "false", name, f"lost {node.name}") for name in lost),
        ],
    )


def _since(node: NodeState) -> float:
    return node.down_since if node.down_since is not None else node.seen


def _is_replaced(context: NodeContext) -> bool:
    system = context.node.node.system_id
    return any(other.writable and other.node.system_id == system for other in context.cluster.nodes.values())


RULE = Rule(
    name="primary_lost",
    on=NodeContext,
    # A server that is restarted says that it stops, or is back within this time.
    limits=Limits(critical=0.0, for_s=5.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)

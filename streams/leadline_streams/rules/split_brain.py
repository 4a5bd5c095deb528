"""``split_brain``: two servers of one cluster take writes."""

from leadline.words import duration
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, ClusterContext, Rule, Words, fact


def measure(context: ClusterContext) -> float | None:
    """Servers with one system identifier that take writes at once; unknown while the agent of one of them is silent.

    A subscriber has an identifier of its own. A primary that was replaced counts only if it was seen writable *after*
    its successor became so: until its silence is noticed, a server that is gone still looks alive.
    """
    groups = _writers(context)
    if all(len(group) < 2 for group in groups):
        return None
    writers = max((_alive(group) for group in groups), key=len)
    if len(writers) >= 2:
        return float(len(writers))
    return UNKNOWN if any(node.stale for group in groups if len(group) > 1 for node in group) else None


def _writers(context: ClusterContext) -> list[list[NodeState]]:
    """Nodes that took writes when they were last seen, by system identifier; a server seen twice counts once."""
    groups: dict[str, list[NodeState]] = {}
    for node in context.cluster.nodes.values():
        if node.takes_writes and node.lineage is not None and node.same_as is None:
            groups.setdefault(node.lineage, []).append(node)
    return list(groups.values())


def _alive(group: list[NodeState]) -> list[NodeState]:
    """Nodes that answered since the last of them became writable."""
    newest = max((node.writable_since or 0.0 for node in group if node.writable), default=0.0)
    return [node for node in group if node.writable and node.seen >= newest]


def describe(context: ClusterContext, value: float) -> Words:
    """The servers, since when, and their timelines."""
    writers = max((_alive(group) for group in _writers(context)), key=len, default=[])
    names = " and ".join(node.name for node in writers)
    return Words(
        f"{names} take writes as the same cluster; what one commits the other does not have",
        [
            fact(
                "writable",
                f"timeline {node.node.timeline}",
                node.name,
                f"for {duration(context.now - (node.writable_since or context.now))}, system {node.node.system_id}",
            )
            for node in writers
        ],
    )


RULE = Rule(
    name="split_brain",
    on=ClusterContext,
    limits=Limits(critical=2.0, for_s=3.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)

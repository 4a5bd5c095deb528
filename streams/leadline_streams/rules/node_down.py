"""``node_down``: an agent cannot read its server."""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Seconds since the server last answered its agent; unknown when the agent is silent too."""
    node = context.node
    if node.up:
        return None
    if node.stale or node.down_since is None:
        return UNKNOWN
    return context.now - node.down_since


def describe(context: NodeContext, value: float) -> Words:
    """The reason that the agent reports."""
    node = context.node
    role = node.node.role if node.node.role != "unknown" else "server"
    return Words(
        f"{role} {node.name} has not answered for {duration(value)}: {node.error or 'no reason given'}",
        [
            fact("error", node.error or "none", node.name),
            fact("address", f"{node.node.host}:{node.node.port}", node.name),
            fact("last_role", node.node.role, node.name),
        ],
    )


RULE = Rule(
    name="node_down",
    on=NodeContext,
    # A planned restart takes less than 30 s.
    limits=Limits(warning=0.0, critical=60.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)

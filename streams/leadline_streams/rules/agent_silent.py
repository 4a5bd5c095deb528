"""``agent_silent``: a node's agent does not report, so the state of the node is not known."""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Seconds of silence, once they are more than five intervals."""
    return context.now - context.node.seen if context.node.stale else None


def describe(context: NodeContext, value: float) -> Words:
    """Since when, and what can be judged no longer."""
    node = context.node
    silence = duration(context.now - node.seen)
    links = [k for k in context.cluster.links.values() if node.name in (k.upstream, k.downstream)]
    return Words(
        f"the agent of {node.name} has not reported for {silence}: its alerts cannot clear and new ones cannot start",
        [
            fact("silent_for", silence, node.name),
            fact("boot", node.node.boot, node.name, "the agent's last known run"),
            *(fact("verdict", k.verdict, None, f"{k.upstream} -> {k.downstream}, by the other end") for k in links),
        ],
    )


RULE = Rule(
    name="agent_silent",
    on=NodeContext,
    limits=Limits(warning=0.0, for_s=30.0, keep_s=5.0),
    measure=measure,
    describe=describe,
    outlives_data=True,
)

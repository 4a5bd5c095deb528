"""``agent_silent``: the agent of a node does not report, so the state of the node is not known."""

from leadline.words import duration
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Seconds since the last report, from five intervals on."""
    return context.now - context.node.seen if context.node.stale else None


def describe(context: NodeContext, value: float) -> Words:
    """Duration of the silence, and the verdicts that other agents still support."""
    node = context.node
    silence = duration(context.now - node.seen)
    links = context.cluster.around(node.name)
    return Words(
        f"the agent of {node.name} has not reported for {silence}: its alerts cannot clear and new ones cannot start",
        [
            fact("silent_for", silence, node.name),
            fact("boot", node.node.boot, node.name, "the last known run of the agent"),
            *(
                fact("verdict", link.verdict, None, f"{link.upstream} -> {link.downstream}, by the other end")
                for link in links
            ),
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

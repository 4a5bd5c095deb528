"""``not_seen``: the agent's role may not read all of a server, so rules about it are blind."""

from leadline_streams.engines.postgresql.rights import blindness, hidden
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of groups of a sample that are needed and hidden; unknown while the server does not answer."""
    node = context.node
    if not node.answers or node.sample is None:
        return UNKNOWN
    return float(len(hidden(node.sample))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The missing right, the statement that grants it, and what is not seen."""
    node = context.node
    sample = node.sample
    reason = blindness(sample) if sample is not None else None
    return Words(
        f"blind on {node.name}: {reason or f'{value:.0f} groups of its samples are hidden'}",
        [fact("not_permitted", group, node.name) for group in (sample.not_permitted if sample is not None else ())],
    )


RULE = Rule(
    name="not_seen",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=30.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

"""``rule_blind``: a server refuses to everybody what rules need, or a lock is in the way."""

from leadline_streams.engines.postgresql.rights import refused
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of groups that are needed and that no right would show; unknown while the server does not answer."""
    node = context.node
    if not node.answers or node.sample is None:
        return UNKNOWN
    return float(len(refused(node.sample))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The groups, and whether the server refuses them or a lock is in the way."""
    node, sample = context.node, context.node.sample
    groups = refused(sample) if sample is not None else ()
    locked = [group for group in groups if sample is not None and group in sample.not_read]
    others = [group for group in groups if group not in locked]
    why = [f"{', '.join(others)} refused to everybody"] if others else []
    why += [f"a lock is in the way of {', '.join(locked)}"] if locked else []
    return Words(
        f"rules are blind on {node.name}: {'; '.join(why) or f'{value:.0f} groups are not seen'}",
        [fact("not_read" if group in locked else "not_supported", group, node.name) for group in groups],
    )


RULE = Rule(
    name="rule_blind",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

"""``rule_blind``: a server refuses to everybody what rules need, a lock is in the way, or it has too many rows."""

from leadline_streams.engines.postgresql.rights import refused, why_hidden
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of groups that are needed and that no right would show; unknown while the server does not answer."""
    node = context.node
    if not node.answers or node.sample is None:
        return UNKNOWN
    return float(len(refused(node.sample))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The groups, and why each is not seen."""
    node, sample = context.node, context.node.sample
    groups = [(group, *why_hidden(sample, group)) for group in refused(sample)] if sample is not None else []
    reasons: dict[str, list[str]] = {}
    for group, _, why in groups:
        reasons.setdefault(why, []).append(group)
    shown = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    return Words(
        f"rules are blind on {node.name}: {shown or f'{value:.0f} groups are not seen'}",
        [fact(field, group, node.name) for group, field, _ in groups],
    )


RULE = Rule(
    name="rule_blind",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

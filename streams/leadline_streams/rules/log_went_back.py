"""``log_went_back``: a primary's WAL ends before where it, or a downstream of it, has been: commits were lost there."""

from leadline.words import size
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.lsn import format_lsn
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Bytes of WAL that the primary had, or that a downstream still has, and that the primary lost."""
    node = context.node
    lost = max((link.lead_units for link in holders(context)), default=0)
    if node.went_back is not None:
        lost = max(lost, node.went_back.before - node.went_back.after)
    return float(lost) or None


def holders(context: NodeContext) -> list[LinkState]:
    """Links of the downstreams that hold more than the primary has."""
    name = context.node.name
    return [link for link in context.cluster.below(name) if link.lead_units]


def held_words(link: LinkState) -> str:
    """The WAL that a downstream has and its upstream has not. A subscription gets nothing from before there."""
    if is_logical(link):
        return (
            f"subscription {link.name} on {link.downstream} has applied {size(link.lead_units)} more than "
            f"{link.upstream} has, and what {link.upstream} commits before it gets there is skipped without an error"
        )
    return f"{link.downstream} holds {size(link.lead_units)} that {link.upstream} lost"


def describe(context: NodeContext, value: float) -> Words:
    """Both positions, and who holds what was lost."""
    node, facts, held = context.node, [], []
    for link in holders(context):
        held.append(held_words(link))
        facts.append(fact("position", format_lsn(link.position or 0), link.downstream, "applied"))
    end, went = node.clock.end or 0, node.went_back
    facts.append(fact("end", format_lsn(end), node.name, "the end of its WAL"))
    if went is not None:
        moved = f"the WAL of {node.name} went back from {format_lsn(went.before)} to {format_lsn(went.after)}"
    else:
        moved = f"the WAL of {node.name} ends at {format_lsn(end)}, before the position of its downstream"
    return Words("; ".join([moved, *held]), facts)


RULE = Rule(
    name="log_went_back",
    on=NodeContext,
    limits=Limits(critical=1.0, for_s=5.0, keep_s=30.0),
    measure=measure,
    describe=describe,
)

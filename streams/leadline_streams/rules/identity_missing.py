"""``identity_missing``: updates or deletes of published tables fail, because the tables have no replica identity."""

from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact

NAMED = 3


def measure(context: NodeContext) -> float | None:
    """Number of such tables, as last reported with the settings of the server."""
    return float(len(context.node.without_identity)) or None


def describe(context: NodeContext, value: float) -> Words:
    """The tables, and the effect on applications."""
    node = context.node
    tables = node.without_identity
    more = f" and {len(tables) - NAMED} more" if len(tables) > NAMED else ""
    names = ", ".join(tables[:NAMED]) + more or f"{value:.0f} tables"
    return Words(
        f"{names} on {node.name} published without a replica identity: updates or deletes fail",
        [
            fact("table", table, node.name, "no replica identity, and its updates or deletes are published")
            for table in tables[:NAMED]
        ],
    )


RULE = Rule(
    name="identity_missing",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

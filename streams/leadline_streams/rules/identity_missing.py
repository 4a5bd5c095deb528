"""``identity_missing``: the server refuses updates or deletes of published tables for their replica identity."""

from leadline_streams.engines.postgresql.refusals import refused, words_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact

NAMED = 3


def measure(context: NodeContext) -> float | None:
    """Number of such tables, as last reported."""
    return float(len(refused(context.node))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The tables and their reasons, and the effect on applications."""
    node = context.node
    tables = refused(node)
    more = f" and {len(tables) - NAMED} more" if len(tables) > NAMED else ""
    names = ", ".join(table.name for table in tables[:NAMED]) + more or f"{value:.0f} tables"
    why = words_of(tables[0]) if tables else "no replica identity"
    return Words(
        f"updates or deletes of {names} on {node.name} are refused: {why}",
        [
            fact("table", table.name, node.name, f"{words_of(table)}; {_effect(table.changed)}")
            for table in tables[:NAMED]
        ],
    )


def _effect(changed: bool) -> str:
    return "was updated or deleted from before" if changed else "no update or delete has succeeded so far"


RULE = Rule(
    name="identity_missing",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=10.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

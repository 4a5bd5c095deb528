"""``writes_refused``: a primary refuses writes unless a transaction asks for them."""

from leadline_streams.engines.postgresql.databases import READ_ONLY, read_only
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """1 while it is set for the server or for one of its databases."""
    return 1.0 if context.node.same_as is None and read_only(context.node) else None


def describe(context: NodeContext, value: float) -> Words:
    """The server or the databases for which it is set."""
    found = read_only(context.node)
    where = " and ".join(found[:3]) or f"a database of {context.node.name}"
    return Words(
        f"{where} refuses writes: {READ_ONLY} is on",
        [fact(READ_ONLY, "on", context.node.name, each) for each in found],
    )


RULE = Rule(
    name="writes_refused",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=30.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

"""``collation_changed``: the library that sorts text is another version than the one that sorted the indexes."""

from leadline_streams.engines.postgresql.databases import named, sorted_otherwise
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of such databases, as last reported."""
    return float(len(sorted_otherwise(context.node))) or None if context.node.same_as is None else None


def describe(context: NodeContext, value: float) -> Words:
    """The databases, with both versions."""
    node = context.node
    found = sorted_otherwise(node)
    names = ", ".join(named(each) for each in found[:3]) or "a database"
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    versions = f" {found[0].collation_recorded} and is {found[0].collation_actual} now" if found else " another one"
    return Words(
        f"the library that sorts text on {node.name} was version{versions}: indexes of {names}{more} may be wrong",
        [
            fact("collation_version", each.collation_actual, node.name, f"{named(each)}: {each.collation_recorded}")
            for each in found
        ],
    )


RULE = Rule(
    name="collation_changed",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

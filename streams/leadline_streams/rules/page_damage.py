"""``page_damage``: pages of a server's files are damaged, by their checksums."""

from leadline.words import duration, times
from leadline_streams.engines.postgresql.databases import damaged, failed_s, named
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Failed checks of pages, of databases where one failed lately."""
    node = context.node
    found = damaged(node, context.now) if node.same_as is None else []
    return float(sum(each.checksum_failures for each in found)) or None


def describe(context: NodeContext, value: float) -> Words:
    """The databases, and when a damaged page was last read."""
    node, now = context.node, context.now
    found = damaged(node, now)
    where = " and ".join(named(each) for each in found[:3]) or "a database"
    return Words(
        f"damaged pages of {where} were read on {node.name}: their checksum was wrong {times(value)}",
        [
            fact(
                "checksum_failures",
                each.checksum_failures,
                node.name,
                f"{named(each)}, last {duration(failed_s(node, each, now))} ago",
            )
            for each in found
        ],
    )


RULE = Rule(
    name="page_damage",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=0.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

"""``horizon_held``: vacuum cannot remove dead rows, because an old snapshot may still need them."""

from leadline.words import duration
from leadline_streams.engines.postgresql.horizon import holders
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Age in transactions of the oldest snapshot that stays, on a server that takes writes."""
    if context.node.sample is None or not context.node.takes_writes or not context.node.snapshots:
        return None
    found = holders(context.cluster, context.node, context.now)
    return float(found[0].age) if found else None


def describe(context: NodeContext, value: float) -> Words:
    """The snapshots that hold the horizon, the oldest first."""
    name = context.node.name
    found = holders(context.cluster, context.node, context.now)
    by, since = (found[0].name, f", for {duration(found[0].held_s)} now") if found else ("an old snapshot", "")
    return Words(
        f"{by} keeps vacuum on {name} from removing rows that died within the last {value:.0f} transactions{since}",
        [fact("xmin_age", each.age, name, f"{each.name}, held for {duration(each.held_s)}") for each in found[:5]],
    )


RULE = Rule(
    name="horizon_held",
    on=NodeContext,
    # A quarter of an hour: most reports are shorter, and what they leave behind is soon removed after them.
    limits=Limits(warning=50_000.0, for_s=900.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

"""``horizon_held``: vacuum cannot remove dead rows, because an old snapshot may still need them."""

from leadline_streams.engines.postgresql.horizon import holders
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Age of the oldest snapshot on a server that takes writes, in transactions; from one million on."""
    sample = context.node.sample
    found = holders(sample) if sample is not None and context.node.takes_writes else []
    return float(found[0].age) if found else None


def describe(context: NodeContext, value: float) -> Words:
    """The snapshots that hold the horizon, the oldest first."""
    sample, name = context.node.sample, context.node.name
    found = holders(sample) if sample is not None else []
    by = found[0].name if found else "an old snapshot"
    return Words(
        f"{by} keeps vacuum on {name} from removing rows that died within the last {value:.0f} transactions",
        [fact("xmin_age", each.age, name, each.name) for each in found[:5]],
    )


RULE = Rule(
    name="horizon_held",
    on=NodeContext,
    # Half of autovacuum_freeze_max_age, from which on vacuum must run and a held horizon makes it useless.
    limits=Limits(warning=100_000_000.0, for_s=60.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

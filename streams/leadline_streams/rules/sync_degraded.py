"""``sync_degraded``: fewer synchronous standbys are connected than commits need."""

from leadline_streams.engines.postgresql.rights import hides
from leadline_streams.engines.postgresql.synchronous import Wanted, confirming
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact

SETTING = "synchronous_standby_names"


def measure(context: NodeContext) -> float | None:
    """Number of missing standbys; unknown while the setting or the senders cannot be read."""
    node = context.node
    if node.sample is None or node.node.role != "primary":
        return None
    setting = node.settings.get(SETTING)
    if setting is None:
        return UNKNOWN
    if not setting.value:
        return None
    wanted = Wanted.of(setting.value)
    if wanted is None or hides(node.sample, "downstreams"):
        return UNKNOWN
    return float(max(0, wanted.count - len(confirming(node.sample.downstreams)))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The requirement, and the standbys that are connected."""
    node, setting = context.node, context.node.settings.get(SETTING)
    rows = node.sample.downstreams if node.sample is not None else ()
    wanted = Wanted.of(setting.value) if setting is not None else None
    count = wanted.count if wanted is not None else 0
    missing = ", ".join(wanted.missing(rows)) if wanted is not None else ""
    return Words(
        f"{node.name} has {count - value:.0f} of {count} synchronous standbys; commits wait until the others confirm",
        [
            fact(SETTING, setting.value if setting is not None else "unknown", node.name),
            fact("missing", missing, node.name),
            *(fact("standby", row.name, node.name, f"{row.state}, {row.sync_state}") for row in rows),
        ],
    )


RULE = Rule(
    name="sync_degraded",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

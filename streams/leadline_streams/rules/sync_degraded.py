"""``sync_degraded``: fewer synchronous standbys are connected than commits need."""

from leadline_streams.engines.postgresql.synchronous import Wanted, confirming
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact

SETTING = "synchronous_standby_names"


def measure(context: NodeContext) -> float | None:
    """Number of missing standbys; unknown while the setting or the senders are."""
    node = context.node
    if node.sample is None or node.node.role != "primary":
        return None
    setting = node.settings.get(SETTING)
    if setting is None:
        return UNKNOWN
    if not setting.value:
        return None
    wanted = Wanted.of(setting.value)
    if wanted is None or "downstreams" in node.sample.not_permitted:
        return UNKNOWN
    return float(max(0, wanted.count - len(confirming(node.sample.downstreams)))) or None


def describe(context: NodeContext, value: float) -> Words:
    """The requirement, and the standbys that are connected."""
    node = context.node
    assert node.sample is not None
    setting = node.settings[SETTING].value
    wanted = Wanted.of(setting)
    count = wanted.count if wanted is not None else 0
    return Words(
        f"{node.name} has {count - value:.0f} of {count} synchronous standbys; commits wait until the others confirm",
        [
            fact(SETTING, setting, node.name),
            fact(
                "missing", ", ".join(wanted.missing(node.sample.downstreams)) if wanted is not None else "", node.name
            ),
            *(
                fact("standby", row.name, node.name, f"{row.state}, {row.sync_state}")
                for row in node.sample.downstreams
            ),
        ],
    )


RULE = Rule(
    name="sync_degraded",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=30.0, keep_s=10.0),
    measure=measure,
    describe=describe,
)

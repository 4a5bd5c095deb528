"""``conflict_blindness``: two servers subscribe to each other, and one could not report a conflict."""

from leadline_streams.engines.postgresql.both_ways import publishers_back, records_origins
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, Rule, SubscriptionContext, Words, fact


def measure(context: SubscriptionContext) -> float | None:
    """1 while rows of both servers can meet and the subscriber does not record where a row came from."""
    node = context.node
    sample = node.sample
    if sample is None or not any(slot.plugin for slot in sample.slots):  # nobody subscribes to it
        return None
    records = records_origins(node)
    if records or not publishers_back(context.cluster, node, context.subscription.name):
        return None
    return UNKNOWN if records is None else 1.0


def describe(context: SubscriptionContext, value: float) -> Words:
    """The setting, and the other server."""
    node, name = context.node, context.subscription.name
    others = sorted({other.name for other, _ in publishers_back(context.cluster, node, name)})
    return Words(
        f"{node.name} could not report a conflict with rows of {', '.join(others) or 'its publisher'}: it does not "
        "record which server wrote a row",
        [
            fact("track_commit_timestamp", "off", node.name),
            *(fact("subscribes_back", other, other) for other in others),
        ],
    )


RULE = Rule(
    name="conflict_blindness",
    on=SubscriptionContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

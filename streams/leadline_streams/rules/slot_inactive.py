"""``slot_inactive``: a slot retains WAL and no consumer is connected."""

from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import is_physical, slot_is_lost
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact


def measure(context: SlotContext) -> float | None:
    """1 while the slot retains WAL and no consumer is connected."""
    slot = context.slot
    if slot.active or slot.temporary or slot.synced or slot.restart_lsn is None or slot_is_lost(slot):
        return None
    return None if is_physical(slot) and _is_used_elsewhere(context) else 1.0


def _is_used_elsewhere(context: SlotContext) -> bool:
    """Whether a slot of this name is active on another node: then this one is kept for a failover of its standby."""
    name = context.slot.name
    for other in context.cluster.nodes.values():
        if other.name != context.node.name and other.answers and other.sample is not None:
            for slot in other.sample.slots:
                if slot.name == name and slot.active and is_physical(slot):
                    return True
    return False


def describe(context: SlotContext, value: float) -> Words:
    """Duration, the WAL that it retains, and the consumer that should read it."""
    node, slot = context.node, context.slot
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    consumer = consumer_of(context.cluster, node, slot)
    return Words(
        f"no consumer has read slot {slot.name} on {node.name}{since}; it retains {size(slot.retained_bytes)} of WAL",
        [
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            fact("consumer", consumer or "unknown", node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("wal_status", slot.wal_status, node.name),
        ],
    )


RULE = Rule(
    name="slot_inactive",
    on=SlotContext,
    limits=Limits(warning=1.0, for_s=300.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

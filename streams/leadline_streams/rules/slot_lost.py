"""``slot_lost``: a slot is invalidated, or will be at the next checkpoint."""

from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact

UNRESERVED, LOST = 1.0, 2.0


def measure(context: SlotContext) -> float | None:
    """2 when it is invalidated, 1 when the next checkpoint may remove WAL that it needs."""
    slot = context.slot
    if slot.temporary:
        return None
    if slot_is_lost(slot):
        return LOST
    return UNRESERVED if slot.wal_status == "unreserved" else None


def describe(context: SlotContext, value: float) -> Words:
    """The reason, where the server's version reports it, and the consumer that has to be rebuilt."""
    node, slot = context.node, context.slot
    consumer = consumer_of(context.cluster, node, slot)
    whose = f" of {consumer}" if consumer is not None else ""
    reason = slot.invalidation_reason or ("conflicting" if slot.conflicting else None)
    fate = f"is lost ({reason or 'wal_removed'})" if value >= LOST else "is lost at the next checkpoint"
    setting = node.settings.get("max_slot_wal_keep_size")
    return Words(
        f"slot {slot.name}{whose} on {node.name} {fate}",
        [
            fact("wal_status", slot.wal_status, node.name),
            fact("invalidation_reason", reason or "not reported", node.name),
            fact("consumer", consumer or "unknown", node.name),
            *([fact("max_slot_wal_keep_size", f"{setting.value} {setting.unit or ''}", node.name)] if setting else []),
        ],
    )


RULE = Rule(
    name="slot_lost",
    on=SlotContext,
    limits=Limits(warning=UNRESERVED, critical=LOST, for_s=5.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

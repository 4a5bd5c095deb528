"""``slot_retention_forecast``: the WAL retained for a slot will soon fill its volume or exceed the slot's limit."""

from leadline.words import roughly, size
from leadline_streams.engines.postgresql.slot_room import full_in_s, limits
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact


def measure(context: SlotContext) -> float | None:
    """Seconds until the slot is lost or the WAL volume is full, whichever is first, at the slot's present growth."""
    return full_in_s(context.node, context.slot)


def describe(context: SlotContext, value: float) -> Words:
    """The limit that is reached first, the slot, and the consumer that should have read it."""
    node, slot = context.node, context.slot
    held = node.held.get(slot.name)
    ahead = limits(slot, node.disk)
    outcome = min(ahead, key=lambda limit: limit[1])[0] if ahead else "there is no room left"
    consumer = consumer_of(context.cluster, node, slot)
    whose = f" for {consumer}" if consumer is not None else ""
    state = "active" if slot.active else "inactive"
    return Words(
        f"in {roughly(value)} {outcome}: slot {slot.name} on {node.name} retains {size(slot.retained_bytes)} of WAL"
        f"{whose}",
        [
            fact("slot", slot.name, node.name, f"{state}, {slot.wal_status or 'no wal_status'}"),
            fact("consumer", consumer or "unknown", node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("growth_bytes_per_s", held.growth if held is not None else None, node.name),
            *(fact("bytes_left", left, node.name, f"until {outcome}") for outcome, left in ahead),
        ],
    )


RULE = Rule(
    name="slot_retention_forecast",
    on=SlotContext,
    limits=Limits(warning=4 * 3600.0, critical=3600.0, for_s=60.0, keep_s=60.0, low_is_bad=True),
    measure=measure,
    describe=describe,
)

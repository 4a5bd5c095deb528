"""``slot_retention_forecast``: WAL retained for a slot will soon fill the volume or exceed its limit."""

from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact


def measure(context: SlotContext) -> float | None:
    """Seconds until the slot is lost or the WAL volume is full, whichever is first, at the slot's present growth."""
    node, slot = context.node, context.slot
    if slot.name not in node.held or slot_is_lost(slot):
        return None
    growth = node.held[slot.name].growth
    rooms = [room for _, room in _rooms(context)]
    if growth is None or growth <= 0.0 or not rooms:
        return None
    return max(0, min(rooms)) / growth


def _rooms(context: SlotContext) -> list[tuple[str, int]]:
    """The limits ahead of a slot, each with the bytes left until it is reached."""
    rooms = []
    if context.slot.safe_wal_bytes is not None:
        rooms.append(("the slot is lost", context.slot.safe_wal_bytes))
    if context.node.disk is not None and context.node.disk.free_bytes is not None:
        rooms.append(("the WAL volume is full", context.node.disk.free_bytes))
    return rooms


def describe(context: SlotContext, value: float) -> Words:
    """Which of the two comes first, for which slot, and who should have read it."""
    node, slot = context.node, context.slot
    held = node.held.get(slot.name)
    rooms = _rooms(context)
    what = min(rooms, key=lambda room: room[1])[0] if rooms else "there is no room left"
    consumer = consumer_of(context.cluster, node, slot)
    whose = f", kept for {consumer}" if consumer is not None else ""
    state = "active" if slot.active else "inactive"
    return Words(
        f"in {duration(value)} {what}: slot {slot.name} on {node.name} holds {size(slot.retained_bytes)}{whose}",
        [
            fact("slot", slot.name, node.name, f"{state}, {slot.wal_status or 'no wal_status'}"),
            fact("consumer", consumer or "unknown", node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("growth_bytes_per_s", held.growth if held is not None else None, node.name),
            *(fact("bytes_left", left, node.name, f"until {what}") for what, left in rooms),
        ],
    )


RULE = Rule(
    name="slot_retention_forecast",
    on=SlotContext,
    limits=Limits(warning=4 * 3600.0, critical=3600.0, for_s=60.0, keep_s=60.0, low_is_bad=True),
    measure=measure,
    describe=describe,
)

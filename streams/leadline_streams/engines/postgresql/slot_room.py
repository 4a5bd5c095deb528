"""The room that is left to replication slots: until they are lost, or their volume is full, and how soon that is."""

from typing import Final

from leadline.model.host import Disk
from leadline.model.replication import Slot
from leadline.model.status import SlotStatus, SlotTrend
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.judge.node_state import NodeState

LISTED: Final = 100
"""Slots of one server that its status lists; a server with thousands has them for initial copies of tables."""


def limits(slot: Slot, disk: Disk | None) -> list[tuple[str, int]]:
    """The limits ahead of a slot, each with the bytes that are left until it is reached."""
    found = []
    if slot.safe_wal_bytes is not None:
        found.append(("the slot is lost", slot.safe_wal_bytes))
    if disk is not None and disk.free_bytes is not None:
        found.append(("the WAL volume is full", disk.free_bytes))
    return found


def full_in_s(node: NodeState, slot: Slot) -> float | None:
    """Seconds until the first limit of a slot at its present growth; None where it has none ahead, or does not grow."""
    if trend(node, slot) != "grows":
        return None
    growth, left = node.held[slot.name].growth, [left for _, left in limits(slot, node.disk)]
    return max(0, min(left)) / growth if growth and left else None


def trend(node: NodeState, slot: Slot) -> SlotTrend:
    """The course of the WAL that a slot retains."""
    if slot_is_lost(slot):
        return "lost"
    held = node.held.get(slot.name)
    if held is None:
        return "little" if slot.retained_bytes is not None else "unknown"
    if held.growth is None:
        return "unknown"
    return "grows" if held.growth > 0.0 else "steady"


def listed(node: NodeState) -> list[SlotStatus]:
    """The slots of a server by its last look: lost ones, those that are full soonest, those that retain most."""
    if not node.answers or node.sample is None:
        return []
    found = [_shown(node, slot) for slot in node.sample.slots]
    found.sort(
        key=lambda each: (
            each.trend != "lost",
            each.full_in_s is None,
            each.full_in_s or 0.0,
            -(each.retained_bytes or 0),
            each.name,
        )
    )
    return found[:LISTED]


def _shown(node: NodeState, slot: Slot) -> SlotStatus:
    held, soon = node.held.get(slot.name), full_in_s(node, slot)
    return SlotStatus(
        name=slot.name,
        slot_kind=slot.kind,
        active=slot.active,
        wal_status=slot.wal_status,
        retained_bytes=slot.retained_bytes,
        trend=trend(node, slot),
        growth_bytes_per_s=round(held.growth, 1) if held is not None and held.growth is not None else None,
        left_bytes=min((left for _, left in limits(slot, node.disk)), default=None),
        full_in_s=round(soon, 1) if soon is not None else None,
    )

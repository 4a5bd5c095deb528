"""``slot_inactive``: a slot retains WAL and no consumer is connected.

The slot of a table's initial copy is released when the copy begins, and needed again when it is over. It counts while
its subscription is not watched, and once that is gone.
"""

from leadline.words import duration, size
from leadline_streams.engines.postgresql.owners import copy_owner, orchestrated, spare_of
from leadline_streams.engines.postgresql.slots import retains_much, slot_is_lost
from leadline_streams.engines.postgresql.table_copies import copy_slot
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact


def measure(context: SlotContext) -> float | None:
    """1 while the slot retains WAL and no consumer is connected.

    A slot that an orchestrator keeps and moves on itself, and a copy kept for a failover, count once they retain much:
    nobody moves them on, or they were left behind by a member that is gone or on a primary that was replaced.
    """
    slot = context.slot
    if slot.active or slot.temporary or slot.restart_lsn is None or slot_is_lost(slot):
        return None
    if slot.synced and context.node.node.role == "standby":
        return None
    if copy_slot(slot.name) is not None and copy_owner(context.cluster, context.node, slot) is not None:
        return None
    node = context.node
    kept = orchestrated(context.cluster, node, slot) is not None or spare_of(context.cluster, node, slot) is not None
    return 1.0 if retains_much(slot) or not kept else None


def describe(context: SlotContext, value: float) -> Words:
    """Duration, the WAL that it retains, and the consumer that should read it."""
    node, slot = context.node, context.slot
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    consumer = consumer_of(context.cluster, node, slot)
    spare = spare_of(context.cluster, node, slot)
    elsewhere = [spare.fact(node.name)] if spare is not None else []
    return Words(
        f"no consumer has read slot {slot.name} on {node.name}{since}; it retains {size(slot.retained_bytes)} of WAL",
        [
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            fact("consumer", consumer or "unknown", node.name),
            *elsewhere,
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

"""``slot_creation_waiting``: the creation of a logical slot waits, and with it whoever wants to read from the slot.

For the slot of a table's initial copy whose subscriber is watched, ``table_sync_waiting`` fires instead.
"""

from leadline.model.activity import WaitingSender
from leadline.words import duration
from leadline_streams.engines.postgresql.slots import creation_on_standby_s, is_being_created
from leadline_streams.engines.postgresql.table_copies import copy_slot, waiting_senders
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact


def measure(context: SlotContext) -> float | None:
    """Seconds since the command that creates the slot began, while it waits for a lock; on a standby always."""
    if not is_being_created(context.slot) or _has_watched_subscriber(context):
        return None
    waiting = _waiting(context)
    return waiting.waits_s if waiting is not None else creation_on_standby_s(context.node, context.slot)


def _waiting(context: SlotContext) -> WaitingSender | None:
    sample = context.node.sample
    found = waiting_senders(sample) if sample is not None else ()
    return next((each for each in found if each.slot == context.slot.name), None)


def _has_watched_subscriber(context: SlotContext) -> bool:
    parts = copy_slot(context.slot.name)
    return parts is not None and any(
        node.answers and node.node.system_id == parts.system_id for node in context.cluster.nodes.values()
    )


def describe(context: SlotContext, value: float) -> Words:
    """The session that creates the slot, and whom it waits for."""
    node, slot, waiting = context.node, context.slot, _waiting(context)
    facts = [fact("active_pid", slot.active_pid, node.name, waiting.wait if waiting is not None else None)]
    if waiting is not None:
        facts += [fact("blocked_by", f"pid {each.pid}", node.name) for each in waiting.blockers]
        facts += [fact("blocked_by", f"prepared transaction {gid}", node.name) for gid in waiting.prepared]
    return Words(f"slot {slot.name} on {node.name} has been in creation for {duration(value)}", facts)


RULE = Rule(
    name="slot_creation_waiting",
    on=SlotContext,
    limits=Limits(warning=60.0, for_s=5.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

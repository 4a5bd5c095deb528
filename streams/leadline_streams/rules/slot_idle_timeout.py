"""``slot_idle_timeout``: the server will invalidate an inactive slot, by its own ``idle_replication_slot_timeout``."""

from leadline.words import duration
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.judge.chain import consumer_of
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Rule, SlotContext, Words, fact

SETTING = "idle_replication_slot_timeout"


def timeout_s(node: NodeState) -> float:
    """The time after which a server invalidates a slot that nobody reads; 0 where it never does."""
    setting = node.settings.get(SETTING)
    return float(setting.value) * (60.0 if setting.unit == "min" else 1.0) if setting is not None else 0.0


def measure(context: SlotContext) -> float | None:
    """Percent of the timeout that have passed. Not of a slot without WAL, or one that the server synchronizes."""
    slot = context.slot
    limit_s = timeout_s(context.node)
    if not limit_s or slot.active or slot.temporary or slot.restart_lsn is None or slot_is_lost(slot):
        return None
    if slot.inactive_s is None or (slot.synced and context.node.node.role == "standby"):
        return None
    return 100.0 * slot.inactive_s / limit_s


def describe(context: SlotContext, value: float) -> Words:
    """The time that is left, and the consumer that has to be rebuilt after it."""
    node, slot = context.node, context.slot
    limit_s, idle_s = timeout_s(node), slot.inactive_s or 0.0
    consumer = consumer_of(context.cluster, node, slot)
    when = f"in {duration(limit_s - idle_s)}" if idle_s < limit_s else "now"
    return Words(
        f"slot {slot.name} on {node.name} has been inactive for {duration(idle_s)}, and the first checkpoint that ends "
        f"{when} or later invalidates it: {SETTING} = {duration(limit_s)}",
        [
            fact(SETTING, duration(limit_s), node.name),
            fact("inactive", duration(idle_s), node.name),
            fact("consumer", consumer or "unknown", node.name, "to be rebuilt once the slot is lost"),
        ],
    )


RULE = Rule(
    name="slot_idle_timeout",
    on=SlotContext,
    limits=Limits(warning=50.0, critical=80.0, for_s=5.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

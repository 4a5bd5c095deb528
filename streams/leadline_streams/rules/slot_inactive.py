"""``slot_inactive``: nobody reads a slot, and the log is kept for nobody."""

from leadline.words import duration, size
from leadline_streams.engines.postgresql.topology import consumer_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import Look, Rule, Words, fact
from leadline_streams.judge.verdict import slot_is_lost


def measure(look: Look) -> float | None:
    """1 while the slot holds log and nobody is connected to it."""
    slot = look.slot
    if slot is None or slot.active or slot.temporary or slot.synced or slot.restart_lsn is None or slot_is_lost(slot):
        return None
    return None if slot.kind == "physical" and _is_used_elsewhere(look) else 1.0


def _is_used_elsewhere(look: Look) -> bool:
    """Whether the slot's standby is connected by a slot of this name on another node: this one is kept for failover."""
    assert look.node is not None
    assert look.slot is not None
    name = look.slot.name
    for other in look.cluster.memory.nodes.values():
        if other.name != look.node.name and other.answers and other.sample is not None:
            for slot in other.sample.slots:
                if slot.name == name and slot.active and slot.kind == "physical":
                    return True
    return False


def describe(look: Look, value: float) -> Words:
    """Since when, what it costs, and who should read it."""
    node, slot = look.node, look.slot
    assert node is not None
    assert slot is not None
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    consumer = consumer_of(look.cluster.memory, node, slot)
    return Words(
        f"nobody has read slot {slot.name} on {node.name}{since}; it holds {size(slot.retained_bytes)} of log",
        [
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            fact("consumer", consumer or "unknown", node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("wal_status", slot.wal_status, node.name),
        ],
    )


RULE = Rule(
    name="slot_inactive",
    family="retention",
    on="slot",
    unit="",
    help="Nobody has been connected to the slot for longer than `for`, and it holds log. Not for temporary slots, "
    "slots synchronised to a standby, and a standby's spare slots on other nodes.",
    limits=Limits(warning=1.0, for_s=300.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

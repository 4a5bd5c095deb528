"""``slot_sync_off``: a standby is to synchronize its primary's logical slots, and settings or slots prevent that."""

from leadline_streams.engines.postgresql.slot_sync import in_the_way, is_wanted, missing
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of settings that the worker of the standby lacks, and of slots that are in its way."""
    if not is_wanted(context.node):
        return None
    found, slots = missing(context.node), _slots(context)
    return UNKNOWN if found is None and not slots else float(len(found or ()) + len(slots)) or None


def _slots(context: NodeContext) -> list[str]:
    return in_the_way(context.node, root_of(context.cluster, context.node.name))


def describe(context: NodeContext, value: float) -> Words:
    """The settings that are missing, and the slots that are in the way."""
    name, found, slots = context.node.name, missing(context.node) or [], _slots(context)
    own = [f"{name} has a slot {slot} of its own" for slot in slots]
    listed = ", ".join([*(each.words for each in found), *own]) or f"{value:.0f} settings are missing"
    return Words(
        f"sync_replication_slots is on on {name}, and no slot is synchronized: {listed}",
        [
            fact("sync_replication_slots", "on", name),
            *(fact(each.setting, each.shown, name) for each in found),
            *(fact("slot", slot, name, "not synchronized, and in the way") for slot in slots),
        ],
    )


RULE = Rule(
    name="slot_sync_off",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

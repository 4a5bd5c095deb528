"""``slot_sync_off``: a standby is to synchronize its primary's logical slots, and its settings do not allow that."""

from leadline_streams.engines.postgresql.slot_sync import is_wanted, missing
from leadline_streams.judge.policy import Limits
from leadline_streams.judge.rule import UNKNOWN, NodeContext, Rule, Words, fact


def measure(context: NodeContext) -> float | None:
    """Number of settings that the worker of the standby lacks."""
    if not is_wanted(context.node):
        return None
    found = missing(context.node)
    return UNKNOWN if found is None else float(len(found)) or None


def describe(context: NodeContext, value: float) -> Words:
    """The settings that are missing."""
    name, found = context.node.name, missing(context.node) or []
    listed = ", ".join(each.words for each in found) or f"{value:.0f} settings are missing"
    return Words(
        f"sync_replication_slots is on on {name}, and no slot is synchronized: {listed}",
        [fact("sync_replication_slots", "on", name), *(fact(each.setting, each.shown, name) for each in found)],
    )


RULE = Rule(
    name="slot_sync_off",
    on=NodeContext,
    limits=Limits(warning=1.0, for_s=60.0, keep_s=5.0),
    measure=measure,
    describe=describe,
)

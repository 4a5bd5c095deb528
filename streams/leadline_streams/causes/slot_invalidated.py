"""``slot_invalidated``: the server gave a slot up; its consumer cannot go on."""

from collections.abc import Iterator

from leadline.model.observation import Slot
from leadline_streams.engines.postgresql.slots import is_physical, slot_is_lost
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

LIMITS = {
    "wal_removed": "max_slot_wal_keep_size",
    "idle_timeout": "idle_replication_slot_timeout",
    "wal_level_insufficient": "wal_level",
    "rows_removed": "hot_standby_feedback",
}
"""The setting that decides, by reason of invalidation (PostgreSQL documentation, pg_replication_slots)."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Each lost slot, with who depended on it."""
    for node in context.nodes:
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot_is_lost(slot):
                yield _claim(context, node, slot)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot) -> Claim:
    reason = _reason(slot)
    setting = LIMITS.get(reason)
    change, changed = context.blame(node, setting) if setting is not None else ("", [])
    consumers = [
        k.downstream for k in context.cluster.links.values() if k.upstream == node.name and k.slot == slot.name
    ]
    consumer = consumers[0] if consumers else "its consumer"
    let = f"; {setting} = {context.shown(node, setting)}{change}" if setting is not None else ""
    create = "pg_create_physical_replication_slot" if is_physical(slot) else None
    again = (
        f"SELECT {create}({literal(slot.name)}, true); then rebuild" if create else "then recreate the subscription of"
    )
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.97,
        title=f"slot {slot.name} on {node.name} is invalidated",
        summary=f"{node.name} invalidated slot {slot.name} ({reason}): {consumer} cannot go on{let}",
        fix=f"On {node.name}: SELECT pg_drop_replication_slot({literal(slot.name)}); {again} {consumer}.",
        evidence_for=[
            fact("wal_status", slot.wal_status, node.name),
            fact("invalidation_reason", reason, node.name),
            *(changed or ([fact(setting, context.shown(node, setting), node.name)] if setting is not None else [])),
        ],
    )


def _reason(slot: Slot) -> str:
    """Versions before 17 have no reason: a slot lost its WAL, or a conflict on a standby ended it."""
    return slot.invalidation_reason or ("wal_removed" if slot.wal_status == "lost" else "rows_removed")


CAUSE = CauseRule(
    code="slot_invalidated",
    find=find,
)

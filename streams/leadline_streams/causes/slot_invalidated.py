"""``slot_invalidated``: the server invalidated a slot; its consumer cannot continue."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.observation import Slot
from leadline_streams.engines.postgresql.slots import is_physical, slot_is_lost
from leadline_streams.engines.postgresql.statements import drop_slot, show_clients, show_slot
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
"""The setting that decides, by reason of the invalidation (PostgreSQL documentation, pg_replication_slots)."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """Each invalidated slot, with its consumer."""
    for node in context.nodes:
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot_is_lost(slot):
                yield _claim(context, node, slot)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot) -> Claim:
    reason = _reason(slot)
    setting = LIMITS.get(reason)
    change, changed = context.blame(node, setting) if setting is not None else ("", [])
    consumers = [
        link.downstream
        for link in context.cluster.links.values()
        if link.upstream == node.name and link.slot == slot.name
    ]
    consumer = consumers[0] if consumers else "its consumer"
    limit = f"; {setting} = {context.shown(node, setting)}{change}" if setting is not None else ""
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.97,
        title=f"slot {slot.name} on {node.name} is invalidated",
        summary=f"{node.name} invalidated slot {slot.name} ({reason}): {consumer} cannot continue{limit}",
        steps=_steps(context, node, slot, consumer),
        evidence_for=[
            fact("wal_status", slot.wal_status, node.name),
            fact("invalidation_reason", reason, node.name),
            *(changed or ([fact(setting, context.shown(node, setting), node.name)] if setting is not None else [])),
        ],
    )


def _steps(context: DiagnosisContext, node: NodeState, slot: Slot, consumer: str) -> list[Step]:
    """The slot is of no use any more, and its consumer needs a new copy of the data."""
    clients = [show_clients(NodeName(consumer))] if consumer in context.cluster.nodes else []
    looks = [show_slot(node.name, slot.name), *clients]
    if not is_physical(slot):
        again = f"Create the subscription of {consumer} again: its tables are emptied and copied"
        return [*looks, drop_slot(node.name, slot.name), Step(risk="destructive", text=again)]
    create = f"SELECT pg_create_physical_replication_slot({literal(slot.name)}, true)"
    rebuild = f"If no restore_command finds the missing WAL for {consumer}, rebuild it with pg_basebackup"
    return [
        *looks,
        drop_slot(node.name, slot.name),
        Step(risk="safe", node=node.name, sql=create),
        Step(risk="destructive", text=rebuild),
    ]


def _reason(slot: Slot) -> str:
    """The reason of the invalidation. Versions before 17 report none: the WAL was removed, or rows on a standby."""
    return slot.invalidation_reason or ("wal_removed" if slot.wal_status == "lost" else "rows_removed")


CAUSE = CauseRule(
    code="slot_invalidated",
    find=find,
)

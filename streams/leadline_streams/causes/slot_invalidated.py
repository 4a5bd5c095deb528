"""``slot_invalidated``: the server invalidated a slot; its consumer cannot continue."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.needs import data_of_standby, not_needed
from leadline_streams.engines.postgresql.slots import is_physical, slot_is_lost
from leadline_streams.engines.postgresql.statements import (
    drop_slot,
    rebuild_standby,
    show_clients,
    show_server,
    show_slot,
)
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim, literal
from leadline_streams.judge.link_state import LinkState
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

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
    consumers = [link for link in context.cluster.below(node.name) if link.slot == slot.name]
    link = consumers[0] if consumers else None
    consumer = link.downstream if link is not None else "its consumer"
    affected = next((each for each in context.links if each.link is link), None)
    rebuild = data_of_standby(context, affected) if affected is not None and is_streaming(affected.link) else []
    limit = f"; {setting} = {context.shown(node, setting)}{change}" if setting is not None else ""
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.97,
        title=f"slot {slot.name} on {node.name} is invalidated",
        summary=f"{node.name} invalidated slot {slot.name} ({reason}): {consumer} cannot continue{limit}",
        steps=_steps(context, node, slot, consumer, rebuild=bool(rebuild)),
        not_needed=[*_useless(node, slot, link), *rebuild],
        evidence_for=[
            fact("wal_status", slot.wal_status, node.name),
            fact("invalidation_reason", reason, node.name),
            *(changed or ([fact(setting, context.shown(node, setting), node.name)] if setting is not None else [])),
        ],
    )


def _useless(node: NodeState, slot: Slot, link: LinkState | None) -> list[Evidence]:
    """That nothing reads the slot; not of one that the server itself keeps, or whose consumer streams all the same."""
    if slot.active or slot.synced or (link is not None and link.connected):
        return []
    return [not_needed(f"slot {slot.name}", node.name, "nobody reads it, and the server lets nobody read it again")]


def _steps(context: DiagnosisContext, node: NodeState, slot: Slot, consumer: str, *, rebuild: bool) -> list[Step]:
    """The slot is of no use any more, and its consumer needs another way to what it missed."""
    watched = [show_clients(NodeName(consumer))] if consumer in context.cluster.nodes else []
    looks, name = [show_slot(node.name, slot.name), *watched], NodeName(consumer)
    looks += [show_server(name)] if watched and is_physical(slot) else []
    if not is_physical(slot):
        again = (
            f"Let {consumer} begin again with a new slot, then compare its tables and copy the rows that differ: what "
            "was committed since this slot ended is not sent to it"
        )
        return [*looks, drop_slot(node.name, slot.name), Step(risk="careful", text=again)]
    create = f"SELECT pg_create_physical_replication_slot({literal(slot.name)}, true)"
    archive = f"If the archive has the missing WAL, let {consumer} restore it with restore_command"
    return [
        *looks,
        drop_slot(node.name, slot.name),
        Step(risk="safe", node=node.name, sql=create),
        Step(risk="careful", text=archive),
        *([rebuild_standby(name, node.name)] if rebuild else []),
    ]


def _reason(slot: Slot) -> str:
    """The reason of the invalidation. Versions before 17 report none: the WAL was removed, or rows on a standby."""
    return slot.invalidation_reason or ("wal_removed" if slot.wal_status == "lost" else "rows_removed")


CAUSE = CauseRule(
    code="slot_invalidated",
    find=find,
)

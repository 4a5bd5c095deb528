"""``slot_abandoned``: a slot retains WAL, and no watched server reads it."""

from collections.abc import Iterator
from math import inf

from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline.words import duration, size
from leadline_streams.engines.postgresql.needs import not_needed
from leadline_streams.engines.postgresql.owners import Owner, copy_owner, orphan_of, owners_of, unseen_owners
from leadline_streams.engines.postgresql.slots import retains_much, slot_is_lost
from leadline_streams.engines.postgresql.statements import drop_slot, show_senders, show_slot
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

FREED_S = 5.0
"""DROP SUBSCRIPTION drops the slot too; two agents report that one after the other, this far apart at most."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An inactive slot of which no owner was seen; that of an initial copy names one, which may not be watched."""
    for node in context.nodes:
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot.active or slot_is_lost(slot):
                continue
            owners = owners_of(context.cluster, node, slot)
            keeper = owners[0] if {owner.kind for owner in owners} == {"orchestrator"} else None
            if keeper is not None and keeper.node is None and retains_much(slot):
                yield _not_moved(context, node, slot, keeper)
            if any(owner.kind != "table copy" for owner in owners) or copy_owner(context.cluster, node, slot):
                continue
            if context.now - node.freed.get(slot.name, -inf) >= FREED_S:
                yield _claim(context, node, slot)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot) -> Claim:
    """Whether an owner that is not watched will come back cannot be known: without a proof that part is a guess."""
    limit = "max_slot_wal_keep_size"
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    gone = orphan_of(context.cluster, node, slot)
    whose = f"it was made for {gone}" if gone is not None else "its consumer may be on a server that is not watched"
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.93 if gone is not None else 0.49,
        title=f"slot {slot.name} on {node.name} {'is abandoned' if gone else 'has no consumer that is watched'}",
        summary=f"no consumer has used slot {slot.name} on {node.name}{since}; it retains "
        f"{size(slot.retained_bytes)} of WAL, {limit} = {context.shown(node, limit)}; {whose}",
        steps=_steps(node, slot, gone),
        not_needed=[]
        if gone is None
        else [not_needed(f"slot {slot.name}", node.name, "its owner is gone, and every watched server shows its own")],
        evidence_for=[
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            *([fact("owner", "gone", node.name, gone)] if gone is not None else []),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("wal_status", slot.wal_status, node.name),
        ],
        not_seen=[] if gone is not None else unseen_owners(context.cluster, node, slot),
    )


def _not_moved(context: DiagnosisContext, node: NodeState, slot: Slot, keeper: Owner) -> Claim:
    """Its orchestrator made the slot for a member, and has not moved it on: the member is gone, or it is not."""
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    ask = (
        f"Ask {keeper.name} for its members: start the one that slot {slot.name} is for, or remove it there. "
        f"{keeper.name} drops the slot itself, and may make it again where somebody else drops it"
    )
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.85,
        title=f"{keeper.name} does not move slot {slot.name} on {node.name}",
        summary=f"slot {slot.name} on {node.name} was made by {keeper.name}; nobody has used it{since}, "
        f"it is not moved on, and retains {size(slot.retained_bytes)} of WAL; its member is down, gone, or not watched",
        steps=[
            show_slot(node.name, slot.name),
            show_senders(node.name),
            Step(risk="look", node=node.name, text=ask),
        ],
        evidence_for=[
            keeper.fact(node.name),
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            fact("retained_bytes", slot.retained_bytes, node.name),
        ],
        not_seen=unseen_owners(context.cluster, node, slot),
    )


def _steps(node: NodeState, slot: Slot, gone: str | None) -> list[Step]:
    looks = [show_slot(node.name, slot.name), show_senders(node.name)]
    if gone is not None:
        kept = f"Make sure that slot {slot.name} was not kept on purpose, for a subscription that is to use it later"
        return [*looks, Step(risk="look", node=node.name, text=kept), drop_slot(node.name, slot.name)]
    who = (
        f"Find out which standby, subscription, archive or backup slot {slot.name} was created for, and start it "
        "again. Without its slot it could not go on"
    )
    return [*looks, Step(risk="look", node=node.name, text=who)]


CAUSE = CauseRule(
    code="slot_abandoned",
    find=find,
)

"""``slot_abandoned``: a slot retains WAL for a consumer that is gone."""

from collections.abc import Iterator
from math import inf

from leadline.model.incident import Step
from leadline.model.observation import Slot
from leadline.words import duration, size
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.engines.postgresql.statements import drop_slot, show_slot
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

FREED_S = 5.0
"""DROP SUBSCRIPTION drops the slot too; two agents report that one after the other, this far apart at most."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An inactive slot that no downstream with an agent uses."""
    for node in context.nodes:
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot.active or slot.synced or slot_is_lost(slot) or _has_owner(context, node, slot):
                continue
            if context.now - node.freed.get(slot.name, -inf) >= FREED_S:
                yield _claim(context, node, slot)


def _has_owner(context: DiagnosisContext, node: NodeState, slot: Slot) -> bool:
    links = context.cluster.links.values()
    return any(link.upstream == node.name and link.slot == slot.name and not link.agentless for link in links)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot) -> Claim:
    limit = "max_slot_wal_keep_size"
    since = f" for {duration(slot.inactive_s)}" if slot.inactive_s is not None else ""
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.88,
        title=f"slot {slot.name} on {node.name} is abandoned",
        summary=f"no consumer has used slot {slot.name} on {node.name}{since}; it retains "
        f"{size(slot.retained_bytes)} of WAL, {limit} = {context.shown(node, limit)}",
        steps=[
            show_slot(node.name, slot.name),
            Step(
                risk="look",
                text=f"Find out which standby, subscription or backup slot {slot.name} was created for. If its "
                "consumer will not come back, drop the slot",
            ),
            drop_slot(node.name, slot.name),
        ],
        evidence_for=[
            fact("active", "false", node.name, f"inactive{since}" if since else None),
            fact("retained_bytes", slot.retained_bytes, node.name),
            fact("wal_status", slot.wal_status, node.name),
        ],
        not_seen=[
            fact(
                "consumer",
                "not seen",
                node.name,
                f"a server without an agent may use slot {slot.name}: an agent on it shows whether it does",
            )
        ],
    )


CAUSE = CauseRule(
    code="slot_abandoned",
    find=find,
)

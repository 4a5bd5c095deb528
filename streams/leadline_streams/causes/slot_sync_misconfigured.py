"""``slot_sync_misconfigured``: settings or slots of a standby keep it from synchronizing the primary's slots."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.replication import Slot
from leadline_streams.engines.postgresql.needs import blind_spots, not_needed
from leadline_streams.engines.postgresql.slot_sync import (
    CONNINFO,
    FEEDBACK,
    ON,
    SLOT,
    WAL_LEVEL,
    Lack,
    in_the_way,
    is_wanted,
    missing,
)
from leadline_streams.engines.postgresql.statements import change_setting, drop_slot, show_settings, show_slot
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby with sync_replication_slots, and without what that needs or with slots in its way."""
    for node in context.nodes:
        if not node.answers or not is_wanted(node):
            continue
        name, primary = node.name, root_of(context.cluster, node.name)
        lacks, slots = missing(node) or [], in_the_way(node, primary)
        if not lacks and not slots:
            continue
        own = [f"{name} has a slot {slot} of its own, as a primary that was demoted has" for slot in slots]
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{name} does not synchronize the slots of its primary",
            summary=f"{ON} is on on {name} and has no effect: {', '.join([*(each.words for each in lacks), *own])}. "
            f"After a failover to {name} logical consumers would not find their slots",
            steps=[
                show_settings(name, ON, FEEDBACK, SLOT, WAL_LEVEL),
                *(step for each in lacks for step in _steps(node, each)),
                *(step for slot in slots for step in _make_way(context, node, primary, slot)),
            ],
            not_needed=[each for slot in slots for each in _useless(context, node, primary, slot)],
            evidence_for=[
                fact(ON, "on", name),
                *(fact(each.setting, each.shown, name) for each in lacks),
                *_slots(node, primary),
            ],
        )


def _slots(node: NodeState, primary: NodeState | None) -> Iterator[Evidence]:
    """The slots that are there to be synchronized, and those that were."""
    if primary is not None and primary.answers and primary.sample is not None and primary is not node:
        wanted = sum(slot.failover is True for slot in primary.sample.slots)
        yield fact("failover_slots", wanted, primary.name, "with failover = true, to be synchronized")
    if node.sample is not None:
        yield fact("synced_slots", sum(slot.synced is True for slot in node.sample.slots), node.name)


def _useless(context: DiagnosisContext, node: NodeState, primary: NodeState | None, name: str) -> list[Evidence]:
    """That a slot of the standby is a leftover: nobody reads it, and its consumer reads that of the primary now."""
    own, other = (_slot(each, name) for each in (node, primary))
    if primary is None or own is None or other is None or own.active or not other.active:
        return []
    if blind_spots(context.cluster, ("slots", "downstreams", "subscriptions")):
        return []
    why = f"nobody reads it there, and its consumer reads slot {name} of {primary.name} (pid {other.active_pid})"
    return [not_needed(f"slot {name}", node.name, why)]


def _make_way(context: DiagnosisContext, node: NodeState, primary: NodeState | None, name: str) -> list[Step]:
    if _useless(context, node, primary, name):
        return [show_slot(node.name, name), drop_slot(node.name, name)]
    text = f"Find out who reads slot {name} of {node.name}; while somebody does, it cannot be a copy of its primary's"
    return [show_slot(node.name, name), Step(risk="look", node=node.name, text=text)]


def _slot(node: NodeState | None, name: str) -> Slot | None:
    return first(node.sample.slots, "name", name) if node is not None and node.sample is not None else None


def _steps(node: NodeState, lack: Lack) -> list[Step]:
    name = node.name
    if lack.setting == FEEDBACK:
        return change_setting(name, FEEDBACK, "on", "safe")
    text = {
        CONNINFO: f"Add dbname=<database> to {CONNINFO} of {name}, a database to which its role may connect, and "
        "reload: the WAL receiver connects again",
        SLOT: f"Create a physical slot for {name} on its primary, set {SLOT} on {name} to it, and reload",
        WAL_LEVEL: f"Set {WAL_LEVEL} = logical on {name}, and restart it",
    }[lack.setting]
    return [Step(risk="careful", node=name, text=text)]


CAUSE = CauseRule(
    code="slot_sync_misconfigured",
    find=find,
)

"""``slot_sync_misconfigured``: settings of a standby keep its worker from synchronizing the primary's slots."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.slot_sync import (
    CONNINFO,
    FEEDBACK,
    ON,
    SLOT,
    WAL_LEVEL,
    Lack,
    is_wanted,
    missing,
)
from leadline_streams.engines.postgresql.statements import change_setting, show_settings
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby with sync_replication_slots, and without what that needs."""
    for node in context.nodes:
        lacks = (missing(node) or []) if node.answers and is_wanted(node) else []
        if not lacks:
            continue
        name, primary = node.name, root_of(context.cluster, node.name)
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{name} does not synchronize the slots of its primary",
            summary=f"{ON} is on on {name} and has no effect: {', '.join(each.words for each in lacks)}. After a "
            f"failover to {name} logical consumers would not find their slots",
            steps=[
                show_settings(name, ON, FEEDBACK, SLOT, WAL_LEVEL),
                *(step for each in lacks for step in _steps(node, each)),
            ],
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

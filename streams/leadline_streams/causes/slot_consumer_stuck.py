"""``slot_consumer_stuck``: the consumer of a slot is connected and does not keep up."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.observation import Downstream, Sample, Slot
from leadline.words import size
from leadline_streams.engines.postgresql.links import is_logical
from leadline_streams.engines.postgresql.statements import end_sender, show_senders, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An active slot with an alert about its retention, or whose consumer has no agent and receives nothing."""
    warned = {alert.subject.id for alert in context.alerts if alert.rule == "slot_retention_forecast"}
    dead = {
        (affected.link.upstream, affected.link.slot)
        for affected in context.links
        if affected.link.agentless and not affected.link.connected and not is_logical(affected.link)
    }
    for node in context.nodes:
        if not node.answers or node.sample is None:
            continue
        for slot in node.sample.slots:
            if slot.active and ((node.name, slot.name) in dead or context.about_slot(node, slot.name).id in warned):
                yield _claim(context, node, node.sample, slot)


def _claim(context: DiagnosisContext, node: NodeState, sample: Sample, slot: Slot) -> Claim:
    row = next((row for row in sample.downstreams if row.slot == slot.name), None)
    consumer = f"{row.name} (pid {row.pid})" if row is not None else f"pid {slot.active_pid}"
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.7,
        title=f"the consumer of slot {slot.name} on {node.name} does not keep up",
        summary=f"{consumer} is connected to slot {slot.name} on {node.name} and has not confirmed "
        f"{size(slot.retained_bytes)} of WAL",
        steps=[show_senders(node.name), *_end(node, slot, row)],
        evidence_for=[
            fact("active_pid", slot.active_pid, node.name, row.wait if row is not None else None),
            fact("restart_lsn", slot.restart_lsn, node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            *([fact("reply_age_s", row.reply_age_s, node.name, row.state)] if row is not None else []),
        ],
    )


def _end(node: NodeState, slot: Slot, row: Downstream | None) -> list[Step]:
    """End the sender: a consumer that still runs connects again. A backup or a copy would have to begin again."""
    if slot.active_pid is None:
        return []
    looks = [
        show_session(node.name, slot.active_pid),
        Step(risk="look", text="If the consumer waits for something, resolve that; if it hangs, end its sender"),
    ]
    streams = row is not None and row.pid == slot.active_pid and row.state in ("streaming", "catchup")
    return [*looks, end_sender(node.name, slot.active_pid)] if streams else looks


CAUSE = CauseRule(
    code="slot_consumer_stuck",
    find=find,
)

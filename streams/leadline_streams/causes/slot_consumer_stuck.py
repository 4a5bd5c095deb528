"""``slot_consumer_stuck``: a slot's consumer is connected and does not move on."""

from collections.abc import Iterator

from leadline.model.observation import Slot
from leadline.words import size
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An active slot whose retention there is an alert about, or whose consumer, without an agent, takes nothing."""
    warned = {alert.subject.id for alert in context.alerts if alert.rule == "slot_retention_forecast"}
    dead = {
        (it.link.upstream, it.link.slot) for it in streaming(context) if it.link.agentless and not it.link.connected
    }
    for node in context.nodes:
        for slot in node.sample.slots if node.answers and node.sample is not None else ():
            if slot.active and ((node.name, slot.name) in dead or context.about_slot(node, slot.name).id in warned):
                yield _claim(context, node, slot)


def _claim(context: DiagnosisContext, node: NodeState, slot: Slot) -> Claim:
    assert node.sample is not None
    row = next((row for row in node.sample.downstreams if row.slot == slot.name), None)
    who = f"{row.name} (pid {row.pid})" if row is not None else f"pid {slot.active_pid}"
    return Claim(
        subject=context.about_slot(node, slot.name),
        confidence=0.7,
        title=f"the consumer of slot {slot.name} on {node.name} does not keep up",
        summary=f"{who} is connected to slot {slot.name} on {node.name} and leaves {size(slot.retained_bytes)} "
        "of log behind it",
        fix=f"Look at what {who} waits for; if it hangs, on {node.name}: "
        f"SELECT pg_terminate_backend({slot.active_pid});",
        evidence_for=[
            fact("active_pid", slot.active_pid, node.name, row.wait if row is not None else None),
            fact("restart_lsn", slot.restart_lsn, node.name),
            fact("retained_bytes", slot.retained_bytes, node.name),
            *([fact("reply_age_s", row.reply_age_s, node.name, row.state)] if row is not None else []),
        ],
    )


CAUSE = CauseRule(
    code="slot_consumer_stuck",
    find=find,
)

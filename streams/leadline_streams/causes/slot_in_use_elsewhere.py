"""``slot_in_use_elsewhere``: another consumer streams from the slot that a standby needs."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.observation import Downstream
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.statements import end_sender, show_session, show_slot
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without a receiver whose slot is active."""
    for affected in cut_off(context):
        link, slot, row = affected.link, affected.slot, taker(affected)
        if slot is None or row is None:
            continue
        yield Claim(
            subject=of_link(link),
            confidence=0.95,
            title=f"slot {slot.name} of {link.downstream} is used by {row.name}",
            summary=f"{link.downstream} cannot stream: its slot {slot.name} on {link.upstream} is held by {row.name} "
            f"from {row.address or 'a local socket'}, pid {row.pid}",
            steps=[
                show_slot(link.upstream, slot.name),
                show_session(link.upstream, row.pid),
                Step(risk="careful", text=f"Give {row.name} a slot of its own, then end its sender"),
                end_sender(link.upstream, row.pid),
            ],
            evidence_for=[
                fact("active_pid", row.pid, link.upstream, row.name),
                fact("receiver", "none", link.downstream),
            ],
        )


def taker(affected: AffectedLink) -> Downstream | None:
    """The sender of another consumer that uses the slot of a standby without a receiver; None when there is none."""
    receiver = affected.sample.upstream if affected.sample is not None else None
    slot, up = affected.slot, affected.up
    if receiver is None or receiver.status is not None or slot is None or not slot.active:
        return None
    if up is None or not up.answers or up.sample is None:
        return None
    row = next((row for row in up.sample.downstreams if row.pid == slot.active_pid), None)
    own = (affected.link.downstream, receiver.application_name)
    return row if row is not None and row.name not in own else None


CAUSE = CauseRule(
    code="slot_in_use_elsewhere",
    find=find,
)

"""``vacuum_held_by_feedback``: a standby or the consumer of a slot holds vacuum back on its upstream."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.horizon import Holder, holders, standby_of
from leadline_streams.engines.postgresql.sessions import brief
from leadline_streams.engines.postgresql.statements import (
    end_session,
    show_senders,
    show_session,
    show_slot,
    show_snapshots,
)
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that takes writes, whose oldest snapshot is held by a sender or a slot."""
    for node in context.nodes:
        found = holders(context.cluster, node, context.now) if node.writable else []
        if not found or (found[0].slot is None and found[0].standby is None):
            continue
        oldest = found[0]
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9,
            title=f"{oldest.name} holds vacuum on {node.name} back",
            summary=f"{oldest.name} has held a snapshot on {node.name} for {duration(oldest.held_s)}, by now "
            f"{oldest.age} transactions old: {_whose(oldest)}",
            steps=[_show_holder(node, oldest), *_steps(context, node, oldest)],
            evidence_for=[
                fact("xmin_age", each.age, node.name, f"{each.name}, held for {duration(each.held_s)}")
                for each in found[:3]
            ],
        )


def _whose(holder: Holder) -> str:
    session = holder.session
    if session is None or holder.on is None:
        return "an old query on a standby with hot_standby_feedback, or a consumer that has not moved for long"
    return f"by hot_standby_feedback, that of {brief(session, holder.on)}"


def _show_holder(node: NodeState, holder: Holder) -> Step:
    return show_slot(node.name, holder.slot) if holder.slot is not None else show_senders(node.name)


def _steps(context: DiagnosisContext, node: NodeState, holder: Holder) -> Iterator[Step]:
    """The session on the standby, or the standby's oldest snapshots, where an agent reads it."""
    if holder.session is not None and holder.on is not None:
        standby, pid = NodeName(holder.on), holder.session.pid
        yield show_session(standby, pid)
        text = f"Ask the owner of pid {pid} on {standby} to end the transaction; if nobody needs it, end the session"
        yield Step(risk="look", node=standby, text=text)
        yield from end_session(standby, holder.session)
        return
    found = standby_of(context.cluster, node, holder)
    if found is not None:
        yield show_snapshots(found.name)
    else:
        yield Step(risk="look", text=f"Find old transactions on the server that uses {holder.name}")


CAUSE = CauseRule(
    code="vacuum_held_by_feedback",
    find=find,
)

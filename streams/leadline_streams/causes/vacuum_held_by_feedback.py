"""``vacuum_held_by_feedback``: a standby or the consumer of a slot holds vacuum back on its upstream."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.horizon import Holder, holders, unseen_holders
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.statements import show_senders, show_slot, show_snapshots
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that takes writes, whose oldest snapshot is held by a sender or a slot."""
    for node in context.nodes:
        found = holders(node.sample) if node.writable and node.sample is not None else []
        if not found or found[0].session is not None:
            continue
        oldest = found[0]
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9,
            title=f"{oldest.name} holds vacuum on {node.name} back",
            summary=f"{oldest.name} holds a snapshot that is {oldest.age} transactions old on {node.name}: an old "
            "query on a standby with hot_standby_feedback, or a consumer that has not moved for long",
            steps=[_show_holder(node, oldest), _show_session(context, node, oldest)],
            evidence_for=[fact("xmin_age", each.age, node.name, each.name) for each in found[:3]],
            not_seen=unseen_holders(node),
        )


def _show_holder(node: NodeState, holder: Holder) -> Step:
    return show_slot(node.name, holder.slot) if holder.slot is not None else show_senders(node.name)


def _show_session(context: DiagnosisContext, node: NodeState, holder: Holder) -> Step:
    """The oldest snapshots of the standby, where an agent reads it."""
    standbys = {
        link.downstream
        for link in context.cluster.links.values()
        if link.upstream == node.name and is_streaming(link) and not link.agentless
        if (link.slot == holder.slot if holder.slot is not None else link.downstream == holder.standby)
    }
    if len(standbys) == 1:
        return show_snapshots(NodeName(standbys.pop()))
    return Step(risk="look", text=f"Find old transactions on the server that uses {holder.name}")


CAUSE = CauseRule(
    code="vacuum_held_by_feedback",
    find=find,
)

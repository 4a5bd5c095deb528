"""``vacuum_held_by_feedback``: a standby or the consumer of a slot holds vacuum on its upstream back."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.horizon import Holder, holders
from leadline_streams.engines.postgresql.statements import show_senders, show_slot
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A sender or a slot that is the oldest holder of the horizon of a server that takes writes."""
    for node in context.nodes:
        found = holders(node.sample) if node.writable and node.sample is not None else []
        if not found or found[0].session is not None:
            continue
        oldest = found[0]
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9,
            title=f"{oldest.name} holds vacuum on {node.name} back",
            summary=f"{oldest.name} keeps a snapshot that is {oldest.age} transactions old on {node.name}: an old "
            f"query on "
            "a standby with hot_standby_feedback, or a consumer that has not moved for long",
            steps=[_show(node, oldest), _sessions(context, node, oldest)],
            evidence_for=[fact("xmin_age", each.age, node.name, each.name) for each in found[:3]],
        )


def _show(node: NodeState, holder: Holder) -> Step:
    return show_slot(node.name, holder.slot) if holder.slot is not None else show_senders(node.name)


def _sessions(context: DiagnosisContext, node: NodeState, holder: Holder) -> Step:
    """The oldest sessions of the standby, where it is known."""
    links = context.cluster.links.values()
    standbys = [link.downstream for link in links if link.upstream == node.name and link.slot == holder.slot]
    if holder.slot is None or len(standbys) != 1 or standbys[0] not in context.cluster.nodes:
        return Step(risk="look", text=f"Look for old transactions on the servers behind {holder.name}")
    return Step(
        risk="look",
        node=NodeName(standbys[0]),
        sql="SELECT pid, usename, state, xact_start, age(backend_xmin), query FROM pg_stat_activity "
        "WHERE backend_xmin IS NOT NULL ORDER BY age(backend_xmin) DESC LIMIT 5",
    )


CAUSE = CauseRule(
    code="vacuum_held_by_feedback",
    find=find,
)

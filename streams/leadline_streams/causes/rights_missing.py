"""``rights_missing``: the agent's role lacks the right to read all of a server."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.observation import Sample
from leadline_streams.engines.postgresql.rights import LINKS, blindness, grant, hidden
from leadline_streams.judge.chain import root_of
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

SHOWN_BY = {
    "downstreams": "senders and their standbys",
    "upstream": "the WAL receiver and primary_conninfo",
    "activity": "sessions, their waits and their locks",
    "settings": "settings that only members of pg_read_all_settings see",
}


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers and hides groups that are needed."""
    for node in context.nodes:
        reason = blindness(node.sample) if node.answers and node.sample is not None else None
        if reason is None or node.sample is None:
            continue
        sample = node.sample
        yield Claim(
            subject=context.about_node(node),
            confidence=0.97,
            title=f"Leadline sees only a part of {node.name}",
            summary=f"{reason}: until then {_lost(node.name, sample)}",
            steps=[
                Step(risk="look", node=node.name, sql="SELECT current_user, pg_has_role('pg_monitor', 'USAGE')"),
                _grant(context, node, sample),
            ],
            evidence_for=[fact("role", sample.login or "unknown", node.name, "without the use of pg_monitor")],
            not_seen=[
                fact(group, SHOWN_BY.get(group, group), node.name, f"shown after {grant(sample)}")
                for group in hidden(sample)
            ],
        )


def _lost(name: str, sample: Sample) -> str:
    """The parts that are hidden, or that are seen from the other servers alone."""
    groups = hidden(sample)
    if LINKS.intersection(groups):
        return f"links, lag and waits of {name} are judged by the other servers alone"
    return f"Leadline does not see all of {name}: " + ", ".join(SHOWN_BY[group] for group in groups)


def _grant(context: DiagnosisContext, node: NodeState, sample: Sample) -> Step:
    """The statement, on the server that takes writes: standbys get the right by replication."""
    root = root_of(context.cluster, node.name) or node
    if not sample.login:
        return Step(risk="safe", node=root.name, text=f"On {root.name}: grant pg_monitor to the role of the agent")
    return Step(risk="safe", node=root.name, sql=grant(sample))


CAUSE = CauseRule(
    code="rights_missing",
    find=find,
)

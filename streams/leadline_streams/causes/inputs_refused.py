"""``inputs_refused``: a server refuses to everybody what rules need, a lock is in the way, or it has too many rows."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.rights import refused, why_hidden
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

LOCKS = (
    "SELECT l.pid, l.relation::regclass, a.usename, a.state, a.xact_start FROM pg_locks AS l "
    "JOIN pg_stat_activity AS a USING (pid) WHERE l.granted AND l.mode = 'AccessExclusiveLock' "
    "AND l.relation IS NOT NULL ORDER BY a.xact_start"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers, and of which groups that rules need are not seen although the role has the rights."""
    for node in context.nodes:
        sample = node.sample if node.answers else None
        groups = refused(sample) if sample is not None else ()
        if sample is None or not groups:
            continue
        fields = [why_hidden(sample, group)[0] for group in groups]
        group = groups[0]
        names, why = ", ".join(groups), why_hidden(sample, group)[1]
        if fields[0] == "not_supported":
            why = f"{node.node.flavour or 'it'} refuses them to everybody"
        seen = "not seen in full" if fields[0] == "left_out" else "not seen"
        rest = "rules that need them are not measured there, and nothing about them counts as healthy"
        if fields[0] == "left_out":
            rest = "what is left out is not judged, and does not count as healthy"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{names} of {node.name} are {seen}",
            summary=f"{names} of {node.name} are {seen}: {why}; {rest}",
            steps=[_step(node, group, fields[0])],
            evidence_for=[fact(field, each, node.name) for field, each in zip(fields, groups, strict=True)],
            not_seen=[fact(each, "not seen", node.name, why_hidden(sample, each)[1]) for each in groups],
        )


def _step(node: NodeState, group: str, field: str) -> Step:
    if field == "not_read":
        return Step(risk="look", node=node.name, sql=LOCKS)
    if field == "left_out":
        return Step(risk="look", node=node.name, text=f"See which {group} of {node.name} nobody uses any more")
    text = f"Watch the servers at the other ends of the links of {node.name}, or ask the service what it shows instead"
    return Step(risk="look", node=node.name, text=text)


CAUSE = CauseRule(
    code="inputs_refused",
    find=find,
)

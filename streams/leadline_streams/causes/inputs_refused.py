"""``inputs_refused``: a server refuses to everybody what rules need, or a lock is in the way."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.rights import refused
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

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
        locked = [group for group in groups if group in sample.not_read]
        names = ", ".join(groups)
        why = "a lock is in the way" if locked else f"{node.node.flavour or 'it'} refuses them to everybody"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{names} of {node.name} are not seen",
            summary=f"{names} of {node.name} are not seen: {why}; rules that need them are not measured there, and "
            "nothing about them counts as healthy",
            steps=[_step(node, bool(locked))],
            evidence_for=[fact("not_read" if each in locked else "not_supported", each, node.name) for each in groups],
            not_seen=[fact(each, "not seen", node.name, f"{why}") for each in groups],
        )


def _step(node: NodeState, locked: bool) -> Step:
    if locked:
        return Step(risk="look", node=node.name, sql=LOCKS)
    text = f"Watch the servers at the other ends of the links of {node.name}, or ask the service what it shows instead"
    return Step(risk="look", node=node.name, text=text)


CAUSE = CauseRule(
    code="inputs_refused",
    find=find,
)

"""``standby_down``: a standby is down."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_streaming, still_cut_off
from leadline_streams.engines.postgresql.statements import see_role
from leadline_streams.engines.postgresql.unread import followers_of, is_unread, successor_of
from leadline_streams.engines.postgresql.witnesses import witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that its agent finds gone, or a server that its agent never reached.

    Not one from which others receive, or that others follow, or followed until they were promoted: started as it is,
    it may take writes beside its successor.
    """
    for node in context.nodes:
        if node.node.role == "primary" or not node.down or node.reach != "gone":
            continue
        if witnesses(context.cluster, node, context.now) or followers_of(context.cluster, node):
            continue
        if successor_of(context.cluster, node) is not None:
            continue
        feeds = [link for link in context.cluster.above(node.name) if is_streaming(link)]
        kept = f"; {feeds[0].upstream} retains WAL for it in slot {feeds[0].slot}" if feeds and feeds[0].slot else ""
        writers = [other.name for other in context.nodes if other.writable] if is_unread(node) else []
        known = "standby" if node.node.role == "standby" else "server"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.97,
            title=f"the {known} {node.name} is down",
            summary=f"{node.name} is down: {node.error or 'no reason known'}{kept}",
            steps=[
                Step(risk="look", text=f"Read the end of the server log of {node.name}"),
                *(see_role(node.name, writer) for writer in writers[:1]),
                Step(risk="careful", text=f"Start PostgreSQL on {node.name}"),
            ],
            evidence_for=[fact("up", "false", node.name, node.error)],
        )


CAUSE = CauseRule(
    code="standby_down",
    find=find,
    is_over=still_cut_off,
)

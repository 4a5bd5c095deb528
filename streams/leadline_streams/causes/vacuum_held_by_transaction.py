"""``vacuum_held_by_transaction``: an open transaction on a server holds vacuum back there."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.horizon import holders
from leadline_streams.engines.postgresql.sessions import brief
from leadline_streams.engines.postgresql.statements import end_session, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that takes writes, whose oldest snapshot is held by a session."""
    for node in context.nodes:
        found = holders(context.cluster, node, context.now) if node.writable else []
        session = found[0].session if found else None
        if session is None or found[0].on is not None:
            continue
        end = "Ask its owner to end the transaction; if nobody needs it, end the session"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.94,
            title=f"a transaction on {node.name} holds vacuum back",
            summary=f"a transaction of {brief(session, node.name)} is still open: rows that died since "
            "it began cannot be removed",
            steps=[
                show_session(node.name, session.pid),
                Step(risk="look", node=node.name, text=end),
                *end_session(node.name, session),
            ],
            evidence_for=[fact("xmin_age", found[0].age, node.name, found[0].name)],
        )


CAUSE = CauseRule(
    code="vacuum_held_by_transaction",
    find=find,
)

"""``origins_not_recorded``: a server in a pair that subscribes to each other has track_commit_timestamp off."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.both_ways import publishers_back, records_origins
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A subscriber whose publisher subscribes back, and that does not record the origin of rows."""
    for node in context.nodes:
        if not node.answers or node.sample is None or records_origins(node) is not False:
            continue
        names = [each.name for each in node.sample.subscriptions]
        both = [name for name in names if publishers_back(context.cluster, node, name)]
        if not both:
            continue
        restart = f"Restart {node.name} when that suits: the setting takes effect then, for rows written from then on"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{node.name} does not record which server wrote a row",
            summary=f"track_commit_timestamp is off on {node.name}: a change of subscription {', '.join(both)} that "
            "overwrites a row written there at the same time is neither counted nor written to the server log",
            steps=[
                Step(risk="look", node=node.name, sql="SHOW track_commit_timestamp"),
                Step(risk="safe", node=node.name, sql="ALTER SYSTEM SET track_commit_timestamp = on"),
                Step(risk="careful", node=node.name, text=restart),
            ],
            evidence_for=[fact("track_commit_timestamp", "off", node.name)],
        )


CAUSE = CauseRule(
    code="origins_not_recorded",
    find=find,
)

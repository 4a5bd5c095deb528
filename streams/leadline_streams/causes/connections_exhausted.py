"""``connections_exhausted``: a server runs and has no connection left."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.connect_errors import has_no_connection_left
from leadline_streams.engines.postgresql.witnesses import in_words, witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

MAX = "max_connections"
SESSIONS = (
    "SELECT usename, application_name, client_addr, state, count(*), max(now() - state_change) FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC LIMIT 20"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers its agent with: all connections are in use."""
    for node in context.nodes:
        if not node.down or node.reach != "locked_out" or not has_no_connection_left(node):
            continue
        name, most = node.name, context.setting(node, MAX)
        others = witnesses(context.cluster, node, context.now)
        limit = f" ({MAX} = {most})" if most is not None else ""
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{name} has no connection left",
            summary=f"{name} runs, and all its connections{limit} are in use: {node.error}"
            + (f"; {in_words(others)}" if others else ""),
            steps=[
                Step(
                    risk="look",
                    node=name,
                    text="Connect as a superuser, for whom superuser_reserved_connections keeps a few, to see who "
                    "uses the connections",
                ),
                Step(risk="look", node=name, sql=SESSIONS),
                Step(
                    risk="careful",
                    node=name,
                    text="Close connections where they are made: an application that lost its limit, or a pool that "
                    f"is too large. Raising {MAX} needs a restart, on standbys first",
                ),
            ],
            evidence_for=[
                fact("up", "false", name, node.error),
                *([fact(MAX, most, name)] if most is not None else []),
                *(witness.evidence for witness in others),
            ],
        )


CAUSE = CauseRule(
    code="connections_exhausted",
    find=find,
)

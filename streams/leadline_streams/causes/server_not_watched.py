"""``server_not_watched``: no agent reads a server that a watched one is connected to."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.not_watched import servers_not_watched
from leadline_streams.engines.postgresql.statements import show_receiver, show_senders
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers and shows others that no agent reads."""
    for node in context.nodes:
        found = servers_not_watched(context.cluster, node, context.now) if node.answers else []
        if not found:
            continue
        names = " and ".join(each.name for each in found)
        shows = show_receiver if node.node.role == "standby" else show_senders
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"{names} is not watched" if len(found) == 1 else f"{len(found)} servers are not watched",
            summary=f"{node.name} is connected with {names}, and no agent reads it: it is judged by {node.name} alone, "
            "so its own waits, errors, queries and settings are not seen",
            steps=[
                shows(node.name),
                Step(
                    risk="look",
                    text=f"Find out what {names} is. Add its connection string to the agents where it is a server of "
                    "yours; switch server_not_watched off for this node where it is not",
                ),
            ],
            evidence_for=[fact("not_watched", each.name, node.name, each.line) for each in found],
        )


CAUSE = CauseRule(
    code="server_not_watched",
    find=find,
)

"""``agent_started_twice``: two agents read one server and send it under one name."""

from collections.abc import Iterator

from leadline_streams.causes.node_name_shared import claim
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.shared_names import are_two_servers


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A boot that returned, and no other server."""
    for node in context.nodes:
        if node.shared_at and not are_two_servers(node):
            yield claim(
                context,
                node,
                f"two agents send as {node.name} and read the same server: it is looked at twice as often, and what "
                "is counted between two looks of one agent may be counted twice",
                f"Stop all agents but one that have an instance {node.name} in their settings",
            )


CAUSE = CauseRule(
    code="agent_started_twice",
    find=find,
)

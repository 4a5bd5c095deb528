"""``datacenter_cut``: every node of a datacenter is silent or unreachable, and others are not."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_cluster

SEVERAL = 2
"""One node alone is no evidence about a datacenter."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A datacenter whose nodes are all silent or unreachable."""
    datacenters: dict[str, list[NodeState]] = {}
    for node in context.nodes:
        datacenters.setdefault(node.node.datacenter, []).append(node)
    for name, nodes in sorted(datacenters.items()):
        if not name or len(nodes) < SEVERAL or any(node.answers for node in nodes):
            continue
        if not any(node.answers for node in context.nodes):
            continue
        yield Claim(
            subject=of_cluster(context.cluster.cluster),
            confidence=0.96,
            title=f"datacenter {name} is down or cut off",
            summary=f"all {len(nodes)} nodes in {name} are silent or unreachable; nodes elsewhere answer",
            steps=[
                Step(
                    risk="look",
                    text=f"Check the power and the network of {name}, and the connection of its agents to Kafka",
                )
            ],
            evidence_for=[
                fact(
                    "silent" if node.stale else "up",
                    duration(context.now - node.seen) if node.stale else "false",
                    node.name,
                )
                for node in nodes
            ],
        )


CAUSE = CauseRule(
    code="datacenter_cut",
    find=find,
)

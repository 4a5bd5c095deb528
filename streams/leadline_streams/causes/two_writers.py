"""``two_writers``: two servers of one cluster take writes."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.engines.postgresql.statements import show_clients
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_cluster

COPY = ", by a new copy: pg_rewind would find nothing to do, because both are on one timeline"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """More than one writable node with the same system identifier."""
    for writers in writers_of(context):
        newest = writers[-1]
        others = [node.name for node in writers[:-1]]
        # pg_rewind compares timelines, and takes two servers of one timeline for one history.
        was_promoted = len({node.node.timeline for node in writers}) > 1
        how = (
            f"{newest.name} was promoted, timeline {newest.node.timeline}, while {' and '.join(others)} still takes "
            "writes"
            if was_promoted
            else f"{' and '.join(node.name for node in writers)} take writes on one timeline, so none of them was "
            "promoted: one was started as a copy, or without its standby.signal"
        )
        yield Claim(
            subject=of_cluster(context.cluster.cluster),
            confidence=0.97,
            title=f"{' and '.join(node.name for node in writers)} both take writes",
            summary=f"{how}: from now on each has rows that the other lacks",
            steps=[
                *(
                    Step(
                        risk="look",
                        node=node.name,
                        sql="SELECT pg_current_wal_lsn(), timeline_id FROM pg_control_checkpoint()",
                    )
                    for node in writers
                ),
                *(show_clients(node.name) for node in writers),
                Step(
                    risk="careful",
                    text="Let only one take writes, the one to which the applications write: point them all to it, and "
                    "stop the other. Both have rows that the other one lacks, so keep its data directory as it is "
                    f"until those rows are saved; only then make it a standby again{'' if was_promoted else COPY}",
                ),
            ],
            evidence_for=[
                fact(
                    "role",
                    "primary",
                    node.name,
                    f"timeline {node.node.timeline}, system identifier {node.node.system_id}",
                )
                for node in writers
            ],
        )


def writers_of(context: DiagnosisContext) -> list[list[NodeState]]:
    """Groups of two and more writable nodes of one system, the longest writable first."""
    systems: dict[str, list[NodeState]] = {}
    for node in context.nodes:
        if node.writable and node.node.system_id is not None and node.same_as is None:
            systems.setdefault(node.node.system_id, []).append(node)
    return [
        sorted(nodes, key=lambda node: (node.node.timeline or 0, node.writable_since or 0.0, node.name))
        for _, nodes in sorted(systems.items())
        if len(nodes) > 1
    ]


CAUSE = CauseRule(
    code="two_writers",
    find=find,
)

"""``server_not_ready``: a server answers, and admits nobody: it starts, stops, or recovers from a crash."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server that answers its agent that it accepts no connections."""
    for node in context.nodes:
        if not node.down or node.reach != "not_ready" or node.down_since is None:
            continue
        name, role = node.name, node.node.role if node.node.role != "unknown" else "server"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"the {role} {name} accepts no connections",
            summary=f"{name} runs and has accepted no connection for {duration(context.now - node.down_since)}: "
            f"it starts, stops, or replays WAL. Its answer: {node.error}",
            steps=[
                Step(
                    risk="look",
                    node=name,
                    text="Read the end of the server log: it says what is replayed, and what a standby waits for "
                    "before it is consistent",
                ),
                Step(
                    risk="look",
                    node=name,
                    text="On its host, ps shows the WAL file that the startup process replays. While it changes, wait: "
                    "a restart would begin the replay again",
                ),
            ],
            evidence_for=[fact("up", "false", name, node.error)],
        )


CAUSE = CauseRule(
    code="server_not_ready",
    find=find,
)

"""``agent_down``: an agent does not report or is refused, and its server runs."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A silent agent, or one that its server refuses."""
    for node in context.nodes:
        if node.stale:
            yield _silent(context, node)
        elif not node.up and node.reach == "locked_out":
            yield Claim(
                subject=context.about_node(node),
                confidence=0.95,
                title=f"the agent of {node.name} is refused",
                summary=f"{node.name} runs and refuses its agent: {node.error}",
                steps=[
                    Step(
                        risk="look",
                        text=f"Run leadline doctor with the agent's settings on the host that watches {node.name}",
                    )
                ],
                evidence_for=[fact("up", "false", node.name, node.error)],
            )


def _silent(context: DiagnosisContext, node: NodeState) -> Claim:
    alive, lost = seen_by_others(context, node)
    silent_s, about = context.now - node.seen, context.about_node(node)
    # A host that comes back is seen by its neighbours before its agent reports.
    doubt = lost or ("host_down", about.id) in context.named
    return Claim(
        subject=about,
        confidence=0.3 if doubt else 0.93 if alive else 0.6,
        title=f"the agent of {node.name} is silent",
        summary=f"the agent of {node.name} has not reported for {duration(silent_s)}"
        + (f"; the server itself is connected to {', '.join(alive)}" if alive else ""),
        steps=[
            Step(
                risk="look",
                text=f"Check leadline agent on the host that watches {node.name}: is it running, and does it reach "
                f"Kafka?",
            )
        ],
        evidence_for=[
            fact("silent_s", silent_s, node.name),
            *(fact("connected", "true", other, f"to {node.name}") for other in alive),
        ],
        evidence_against=[fact("connected", "false", other, f"lost {node.name}") for other in lost],
    )


def seen_by_others(context: DiagnosisContext, node: NodeState) -> tuple[list[str], list[str]]:
    """Neighbours that are connected to a node, and those that lost it; only those that answer."""
    memory = context.cluster
    alive: list[str] = []
    lost: list[str] = []
    for link in memory.links.values():
        if node.name not in (link.upstream, link.downstream):
            continue
        other = memory.nodes.get(link.upstream if link.downstream == node.name else link.downstream)
        if other is not None and other.answers:
            (alive if link.connected else lost).append(other.name)
    return alive, lost


CAUSE = CauseRule(
    code="agent_down",
    find=find,
)

"""``agent_down``: an agent does not report, is refused, or does not reach a server from which others receive."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql.connect_errors import has_no_connection_left
from leadline_streams.engines.postgresql.witnesses import Witness, in_words, witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A silent agent, one that its server refuses, one that fails before it gets to its server."""
    for node in context.nodes:
        if node.stale:
            yield _silent(context, node)
        elif not node.up and node.reach == "locked_out" and not has_no_connection_left(node):
            yield _alone(
                context,
                node,
                0.95,
                f"the agent of {node.name} is refused",
                f"{node.name} runs and refuses its agent: {node.error}",
            )
        elif not node.up and node.reach in ("gone", "hangs", "unseen"):
            yield from _unseen(context, node)


def _unseen(context: DiagnosisContext, node: NodeState) -> Iterator[Claim]:
    """An agent that does not get to its server: others receive from it, or nothing of the server is seen."""
    others = witnesses(context.cluster, node, context.now)
    if others:
        # A server that comes back is received from before its agent tries again.
        about = context.about_node(node)
        returns = any((code, about.id) in context.named for code in ("primary_down", "server_not_seen", "standby_down"))
        yield _alone(
            context,
            node,
            0.3 if returns else 0.93,
            f"the agent of {node.name} does not reach it",
            f"{node.name} runs, {in_words(others)}, and its agent does not reach it: {node.error}",
            *others,
        )
    elif node.reach == "unseen":
        yield _alone(
            context,
            node,
            0.7,
            f"the agent of {node.name} does not see it",
            f"the agent of {node.name} did not get as far as the server, of which nothing is known: {node.error}",
        )


def _alone(
    context: DiagnosisContext, node: NodeState, confidence: float, title: str, summary: str, *others: Witness
) -> Claim:
    """A failure of the agent alone."""
    text = f"Run leadline doctor with the agent's settings on the host that watches {node.name}"
    shown_by = "a standby, subscriber or primary of it that is watched too shows whether it runs"
    return Claim(
        subject=context.about_node(node),
        confidence=confidence,
        title=title,
        summary=summary,
        steps=[Step(risk="look", text=text)],
        evidence_for=[fact("up", "false", node.name, node.error), *(witness.evidence for witness in others)],
        not_seen=[] if others or node.reach == "locked_out" else [fact("server", "not seen", node.name, shown_by)],
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
    for link in memory.around(node.name):
        other = memory.nodes.get(link.upstream if link.downstream == node.name else link.downstream)
        if other is not None and other.answers:
            (alive if link.connected else lost).append(other.name)
    return alive, lost


CAUSE = CauseRule(
    code="agent_down",
    find=find,
)

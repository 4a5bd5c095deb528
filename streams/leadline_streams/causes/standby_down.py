"""``standby_down``: a standby is down."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_streaming, still_cut_off
from leadline_streams.engines.postgresql.mismatches import HOT_STANDBY
from leadline_streams.engines.postgresql.unread import followers_of, successor_of
from leadline_streams.engines.postgresql.witnesses import witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby that its agent finds gone, and of which no other server shows more."""
    for node in context.nodes:
        if node.node.role != "standby" or not node.down or is_known_otherwise(context, node):
            continue
        feeds = [link for link in context.cluster.links.values() if link.downstream == node.name and is_streaming(link)]
        lower = [each for up in _primaries(context, node) for each in _lower(context, up, node)]
        kept = f"; {feeds[0].upstream} retains WAL for it in slot {feeds[0].slot}" if feeds and feeds[0].slot else ""
        yield Claim(
            subject=context.about_node(node),
            confidence=0.97,
            title=f"the standby {node.name} is down",
            summary=f"{node.name} is down: {node.error or 'no reason known'}{kept}"
            + "".join(
                f"; it had {name} = {ours}, lower than the {theirs} on {up}, and does not start like that"
                for up, name, ours, theirs in lower
            ),
            steps=[
                Step(risk="look", text=f"Read the end of the server log of {node.name}"),
                *(
                    Step(risk="careful", text=f"Set {name} = {theirs} or more in the configuration of {node.name}")
                    for _, name, _, theirs in lower
                ),
                Step(risk="careful", text=f"Start PostgreSQL on {node.name}"),
            ],
            evidence_for=[
                fact("up", "false", node.name, node.error),
                *(
                    fact(name, value, where)
                    for up, name, ours, theirs in lower
                    for where, value in ((node.name, ours), (up, theirs))
                ),
            ],
        )


def _primaries(context: DiagnosisContext, node: NodeState) -> list[NodeState]:
    """The servers of its system that take writes now."""
    return [each for each in context.nodes if each.writable and each.node.system_id == node.node.system_id is not None]


def _lower(context: DiagnosisContext, up: NodeState, node: NodeState) -> Iterator[tuple[NodeName, str, str, str]]:
    """Settings, as last seen, with which a standby of a primary ends when it starts."""
    for name in HOT_STANDBY:
        ours, theirs = context.number(node, name), context.number(up, name)
        if ours is not None and theirs is not None and ours < theirs:
            yield up.name, name, str(ours), str(theirs)


def is_known_otherwise(context: DiagnosisContext, node: NodeState) -> bool:
    """Whether a server that is down is not gone, or others receive from it, follow it, or did until one was promoted.

    Started as it is, it may take writes beside its successor.
    """
    if node.reach != "gone" or witnesses(context.cluster, node, context.now):
        return True
    return bool(followers_of(context.cluster, node)) or successor_of(context.cluster, node) is not None


CAUSE = CauseRule(
    code="standby_down",
    find=find,
    is_over=still_cut_off,
)

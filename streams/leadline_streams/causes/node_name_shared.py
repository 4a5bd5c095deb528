"""``node_name_shared``: two agents read two servers and send them under one name."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.shared_names import are_two_servers


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A boot that returned, and another server than the one before: all else about the node is of both."""
    for node in context.nodes:
        if node.shared_at and are_two_servers(node):
            yield claim(
                context,
                node,
                f"two agents send as {node.name}: one reads {_address(node, True)}, the other {_address(node, False)}. "
                "Everything about this node is of both, and no alert about it can be believed until each has a name of "
                "its own",
                f"Give the instances in the settings of the two agents names of their own. See which hosts have "
                f"an agent with an instance {node.name}",
            )


def claim(context: DiagnosisContext, node: NodeState, summary: str, step: str) -> Claim:
    """The claim that two agents send under one name, with what each of them shows."""
    both = [each for each in (node.node, node.twin) if each is not None]
    return Claim(
        subject=context.about_node(node),
        confidence=0.98,
        title=f"two agents send as {node.name}",
        summary=summary,
        steps=[
            Step(
                risk="look",
                node=node.name,
                sql="SELECT pid, usename, application_name, client_addr, backend_start FROM pg_stat_activity "
                "WHERE application_name LIKE 'leadline%'",
            ),
            Step(risk="safe", text=step),
        ],
        evidence_for=[
            fact("agent", each.boot, node.name, f"reads {each.host}:{each.port}, {each.system_id or 'unknown'}")
            for each in both
        ],
    )


def _address(node: NodeState, own: bool) -> str:
    read = node.node if own or node.twin is None else node.twin
    return f"the {read.role} at {read.host}:{read.port}"


CAUSE = CauseRule(
    code="node_name_shared",
    find=find,
)

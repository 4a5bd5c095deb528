"""``server_not_seen``: a server has not answered since looking began, and nobody shows what it is."""

from collections.abc import Iterator, Sequence

from leadline.model.incident import Step
from leadline.model.replication import Upstream
from leadline_streams.causes.standby_down import is_known_otherwise
from leadline_streams.engines.postgresql.statements import see_role, show_receiver
from leadline_streams.engines.postgresql.unread import is_unread
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

Orphan = tuple[NodeState, Upstream]


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A server without a first answer. Standbys that lost an address of nobody may have followed it there."""
    for node in context.nodes:
        if is_unread(node) and node.node.role == "unknown" and not is_known_otherwise(context, node):
            yield _claim(context, node)


def _claim(context: DiagnosisContext, node: NodeState) -> Claim:
    writers = [other.name for other in context.nodes if other.writable and other.same_as is None]
    orphans = list(_orphans(context)) if not writers else []
    role = "whether it is a primary or a standby is not known"
    if orphans:
        lost = " and ".join(f"{down.name} has no connection to {_address(up)}" for down, up in orphans)
        role += f": {lost}, and no server that answers takes writes, so it may be the primary behind that address"
    return Claim(
        subject=context.about_node(node),
        confidence=0.9,
        title=f"the server {node.name} is down",
        summary=f"{node.name} has not answered since looking began: {node.error or 'no reason known'}; {role}",
        steps=[
            *(_ask_where(node, up) for up in _addresses(orphans)),
            *(show_receiver(down.name) for down, _ in orphans),
            Step(risk="look", text=f"Read the end of the server log of {node.name}"),
            *(see_role(node.name, writer) for writer in writers[:1]),
            Step(risk="careful", text=f"Start PostgreSQL on {node.name}"),
        ],
        evidence_for=[
            fact("up", "false", node.name, node.error),
            *(fact("receiver", "none", down.name, f"tries {_address(up)}") for down, up in orphans),
        ],
        not_seen=[fact("role", "not seen", node.name, "its answer shows it")],
    )


def _orphans(context: DiagnosisContext) -> Iterator[Orphan]:
    """Standbys that answer and are not connected to the upstream that they are configured to follow."""
    for node in context.nodes:
        receiver = node.sample.upstream if node.answers and node.sample is not None else None
        if receiver is not None and receiver.configured and receiver.host and receiver.status is None:
            yield node, receiver


def _addresses(orphans: Sequence[Orphan]) -> list[str]:
    return sorted({_address(up) for _, up in orphans})


def _address(up: Upstream) -> str:
    return f"{up.host}:{up.port}"


def _ask_where(node: NodeState, address: str) -> Step:
    return Step(risk="look", text=f"Find out where {address} leads to, and whether that is {node.name}")


CAUSE = CauseRule(
    code="server_not_seen",
    find=find,
)

"""``host_down``: a server and its agent are both gone."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.causes.agent_down import seen_by_others
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A silent node that its neighbours lost too."""
    for node in context.nodes:
        if not node.stale:
            continue
        alive, lost = seen_by_others(context, node)
        if not lost or alive:
            continue
        silent_s = context.now - node.seen
        where = f" in {node.node.datacenter}" if node.node.datacenter else ""
        yield Claim(
            subject=context.about_node(node),
            confidence=0.9,
            title=f"the host of {node.name} is down or cut off",
            summary=f"agent and server of {node.name}{where} are both gone: silent for {duration(silent_s)}, and "
            f"{', '.join(lost)} lost its connection",
            steps=[Step(risk="look", text=f"Check the host of {node.name} ({node.node.host}) and its network")],
            evidence_for=[
                fact("silent_s", silent_s, node.name),
                *(fact("connected", "false", other, f"lost {node.name}") for other in lost),
            ],
        )


CAUSE = CauseRule(
    code="host_down",
    find=find,
)

"""``clock_skew``: the host of an agent has a wrong clock."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An agent whose times are corrected. One whose times differ from all others is taken for the wrong one."""
    for node in context.nodes:
        ahead_s = node.host_ahead_s
        if not ahead_s or node.stale:
            continue
        host = f"the host of {node.name}'s agent"
        side = "ahead" if ahead_s > 0 else "behind"
        yield Claim(
            subject=context.about_node(node),
            confidence=0.95,
            title=f"the clock of {host} is wrong",
            summary=f"the clock of {host} is {duration(abs(ahead_s))} {side}: times in its server log, of its jobs and "
            "of its certificates are wrong by as much, if the server runs there",
            steps=[
                Step(risk="look", node=node.name, text=f"On {host}: timedatectl, or chronyc tracking"),
                Step(risk="safe", node=node.name, text=f"On {host}: start time synchronization (chrony, timesyncd)"),
            ],
            evidence_for=[fact("clock_ahead_s", ahead_s, node.name, "against the other agents and arriving samples")],
        )


CAUSE = CauseRule(
    code="clock_skew",
    find=find,
)

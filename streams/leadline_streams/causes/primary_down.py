"""``primary_down``: the server that all others follow does not run."""

from collections.abc import Iterator

from leadline_streams.engines.postgresql.connect_errors import reach
from leadline_streams.judge.diagnosis.ranking import CUT, Case, CauseRule, Claim
from leadline_streams.judge.link_progress import SILENT_MESSAGE_S
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

RESTART_S = 3.0
"""Gone for less than this may be a restart."""


def find(case: Case) -> Iterator[Claim]:
    """A primary that its agent finds gone or without an answer. A former one that was replaced is missed by nobody."""
    for node in case.nodes:
        if node.node.role != "primary" or not node.down or reach(node.error) == "locked_out":
            continue
        if node.down_since is None or case.now - node.down_since < RESTART_S:
            continue
        if not any(other.writable and other.node.system_id == node.node.system_id for other in case.nodes):
            yield _claim(case, node)


def _claim(case: Case, node: NodeState) -> Claim:
    hears: list[str] = []
    lost: list[str] = []
    for link in case.cluster.memory.links.values():
        follower = case.cluster.memory.nodes.get(link.downstream)
        if link.upstream != node.name or link.kind != "physical" or follower is None or not follower.answers:
            continue
        assert follower.sample is not None
        receiver = follower.sample.upstream
        streams = receiver is not None and receiver.status == "streaming"
        fresh = streams and receiver is not None and (receiver.message_age_s or 0.0) < SILENT_MESSAGE_S
        (hears if fresh else lost).append(follower.name)
    gone = reach(node.error) == "gone"
    what = "is down" if gone else "does not answer"
    return Claim(
        subject=case.about_node(node),
        # A refused connection leaves no doubt; silence may be the agent's own network, above all while others hear it.
        confidence=0.98 if gone else 0.5 if hears else 0.92,
        title=f"the primary {node.name} {what}",
        summary=f"{node.name}, the primary, {what}: {node.error or 'no reason known'}",
        fix=f"Start PostgreSQL on {node.name} and read the end of its log. If it cannot come back, promote the standby "
        "that has received most, and make sure that the old primary stays down.",
        evidence_for=[
            fact("up", "false", node.name, node.error),
            *(fact("receiver", "lost", name) for name in lost),
        ],
        evidence_against=[fact("receiver", "streaming", name, f"still hears {node.name}") for name in hears],
    )


CAUSE = CauseRule(
    code="primary_down",
    help="the primary's agent cannot reach it, and no standby hears from it",
    explains=CUT | {"node_down"},
    find=find,
)

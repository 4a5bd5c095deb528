"""``primary_down``: the server that all others follow is down."""

from collections.abc import Iterator

from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_streaming
from leadline_streams.engines.postgresql.timeouts import keepalive_s
from leadline_streams.engines.postgresql.witnesses import witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact
from leadline_streams.judge.state import NodeState

RESTART_S = 3.0
"""Gone for less than this may be a restart."""
UNSEEN = 0.45
"""Confidence that a server is down that gives no answer, and that nobody else was seen to lose."""
RECEIVED = "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()"
PROMOTE = (
    "If it cannot come back, promote the standby that has received most, and make sure that the old primary stays down"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary that its agent finds gone or without an answer. Not one that answers, from which others receive, or a
    former one that was replaced."""
    for node in context.nodes:
        if node.node.role != "primary" or not node.down or node.reach not in ("gone", "hangs"):
            continue
        if node.down_since is None or context.now - node.down_since < RESTART_S:
            continue
        if witnesses(context.cluster, node, context.now):
            continue
        if not any(other.writable and other.node.system_id == node.node.system_id for other in context.nodes):
            yield _claim(context, node)


def _claim(context: DiagnosisContext, node: NodeState) -> Claim:
    receiving: list[str] = []
    lost: list[str] = []
    for link in context.cluster.links.values():
        follower = context.cluster.nodes.get(link.downstream)
        if link.upstream != node.name or not is_streaming(link) or follower is None or not follower.answers:
            continue
        assert follower.sample is not None
        receiver = follower.sample.upstream
        streams = receiver is not None and receiver.status == "streaming"
        fresh = streams and receiver is not None and (receiver.message_age_s or 0.0) < keepalive_s(node)
        (receiving if fresh else lost).append(follower.name)
    gone = node.reach == "gone"
    candidates = lost if not receiving else []  # a primary that still sends may not be replaced
    what = "is down" if gone else "does not answer"
    return Claim(
        subject=context.about_node(node),
        # A refused connection leaves no doubt; silence may be the network of the agent.
        confidence=0.98 if gone else 0.92 if candidates else UNSEEN,
        title=f"the primary {node.name} {what}",
        summary=f"{node.name}, the primary, {what}: {node.error or 'no reason known'}",
        steps=[
            Step(risk="look", text=f"Read the end of the server log of {node.name}"),
            *(Step(risk="look", node=NodeName(name), sql=RECEIVED) for name in candidates),
            Step(risk="careful", text=f"Start PostgreSQL on {node.name}"),
            *([Step(risk="destructive", text=PROMOTE)] if candidates else []),
        ],
        evidence_for=[
            fact("up", "false", node.name, node.error),
            *(fact("receiver", "lost", name) for name in lost),
        ],
        evidence_against=[
            fact("receiver", "streaming", name, f"its connection to {node.name} still stands") for name in receiving
        ],
        not_seen=[] if gone or candidates else [_UNHEARD],
    )


_UNHEARD = fact("server", "not seen", None, "a standby or subscriber that is watched too shows whether it still sends")


CAUSE = CauseRule(
    code="primary_down",
    find=find,
)

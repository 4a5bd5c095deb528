"""``primary_down``: the server that all others follow is down."""

from collections.abc import Iterable, Iterator

from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline_streams.engines.postgresql.links import is_streaming, still_cut_off
from leadline_streams.engines.postgresql.needs import blind_spots, not_needed
from leadline_streams.engines.postgresql.orchestrators import orchestrator_of
from leadline_streams.engines.postgresql.timeouts import keepalive_s
from leadline_streams.engines.postgresql.timing import RESTART_S
from leadline_streams.engines.postgresql.unread import followers_of, is_unread
from leadline_streams.engines.postgresql.witnesses import witnesses
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact

UNSEEN = 0.45
"""Confidence that a server is down that gives no answer, and that nobody else was seen to lose."""
RECEIVED = "SELECT pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()"
PROMOTE = (
    "If it cannot come back, promote the standby that has received most, and make sure that the old primary stays down"
)


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A primary that its agent finds gone or without an answer, or a server that never answered and that others follow.

    Not one that answers, from which others receive, or a former one that was replaced.
    """
    for node in context.nodes:
        if not node.down or node.reach not in ("gone", "hangs"):
            continue
        followers = followers_of(context.cluster, node)
        if node.node.role != "primary" and not followers:
            continue
        if node.down_since is None or context.now - node.down_since < RESTART_S:
            continue
        if witnesses(context.cluster, node, context.now):
            continue
        systems = {one.node.system_id for one in (followers or [node])}
        if not any(other.writable and other.node.system_id in systems for other in context.nodes):
            yield _claim(context, node, followers or _standbys(context, node))


def _standbys(context: DiagnosisContext, node: NodeState) -> Iterator[NodeState]:
    """Those that answer."""
    for link in context.cluster.below(node.name):
        follower = context.cluster.nodes.get(link.downstream)
        if is_streaming(link) and follower is not None and follower.answers:
            yield follower


def _claim(context: DiagnosisContext, node: NodeState, followers: Iterable[NodeState]) -> Claim:
    receiving: list[NodeName] = []
    lost: list[NodeName] = []
    for follower in followers:
        receiver = follower.sample.upstream if follower.sample is not None else None
        streams = receiver is not None and receiver.status == "streaming"
        fresh = streams and receiver is not None and (receiver.message_age_s or 0.0) < keepalive_s(node)
        (receiving if fresh else lost).append(follower.name)
    gone = node.reach == "gone"
    candidates = lost if not receiving else []  # a primary that still sends may not be replaced
    needless = _replaceable(context, node, candidates) if gone else []
    what = "is down" if gone else "does not answer"
    unread = is_unread(node)
    role = f"the upstream of {' and '.join(lost + receiving)}" if unread else "the primary"
    return Claim(
        subject=context.about_node(node),
        # A refused connection leaves no doubt; silence may be the network of the agent.
        confidence=0.98 if gone else 0.92 if candidates else UNSEEN,
        title=f"{node.name}, {role}, {what}" if unread else f"the primary {node.name} {what}",
        summary=f"{node.name}, {role}, {what}: {node.error or 'no reason known'}",
        steps=[
            Step(risk="look", text=f"Read the end of the server log of {node.name}"),
            *(Step(risk="look", node=name, sql=RECEIVED) for name in candidates),
            Step(risk="careful", text=f"Start PostgreSQL on {node.name}"),
            *([Step(risk="destructive", text=PROMOTE)] if needless else []),
        ],
        not_needed=needless,
        evidence_for=[
            fact("up", "false", node.name, node.error),
            *(fact("receiver", "lost", name) for name in lost),
        ],
        evidence_against=[
            fact("receiver", "streaming", name, f"its connection to {node.name} still stands") for name in receiving
        ],
        not_seen=[*([_UNREAD, _DISK] if unread else []), *([] if gone or candidates else [_UNHEARD])],
    )


def _replaceable(context: DiagnosisContext, node: NodeState, lost: list[NodeName]) -> list[Evidence]:
    """That a primary serves nobody any more, and that nothing else decides who replaces it.

    Not where one of its standbys is not seen: it may still receive, or hold more than the others.
    """
    links = [link for link in context.cluster.below(node.name) if is_streaming(link)]
    others = [other for other in context.nodes if other.name != node.name]
    unseen = blind_spots(context.cluster, ("upstream",), but=[node.name])
    if not lost or is_unread(node) or unseen or any(link.downstream not in lost for link in links):
        return []
    if any(orchestrator_of(other) is not None for other in (node, *others)):
        return []
    why = f"nothing listens at its address, and every standby that it had has lost it: {', '.join(lost)}"
    return [not_needed(f"{node.name} as the primary", node.name, why)]


_UNREAD = fact("role", "not seen", None, "it has not answered since looking began; its followers name it")
_DISK = fact("disk", "not seen", None, "df on its host; where its WAL is can be asked only of a server that answers")
_UNHEARD = fact("server", "not seen", None, "a standby or subscriber that is watched too shows whether it still sends")


CAUSE = CauseRule(
    code="primary_down",
    find=find,
    is_over=still_cut_off,
)

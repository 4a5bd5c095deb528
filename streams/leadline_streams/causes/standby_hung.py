"""``standby_hung``: processes of a standby are there and do not move."""

from collections.abc import Iterator

from leadline.model.incident import Step
from leadline.model.replication import Upstream
from leadline.words import duration
from leadline_streams.engines.postgresql.links import streaming
from leadline_streams.engines.postgresql.silence import PAGE_SLACK_BYTES, SILENT_REPLY_S
from leadline_streams.engines.postgresql.statements import restart_server, show_receiver, show_replay
from leadline_streams.engines.postgresql.unread import followers_of, is_unread
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.link_progress import outstanding
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link
from leadline_streams.judge.verdict import STALLED_S

GIVES_UP = "wal_receiver_timeout"
SLACK_S = 2.0
UNSEEN = 0.45
"""Confidence that a server hangs that has never answered, or a process that may be waiting for its disk."""
IDLE = "Activity/RecoveryWalStream"


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """The whole server, its receiver or its replay, each by its own sign."""
    for affected in streaming(context):
        claim = _server(context, affected) or _receiver(context, affected) or _replay(context, affected)
        if claim is not None:
            yield claim
    known = {affected.link.downstream for affected in streaming(context) if not affected.link.agentless}
    for node in context.nodes:
        hangs = is_unread(node) and node.reach == "hangs" and node.name not in known
        if hangs and not followers_of(context.cluster, node):
            yield _unread(context, node)


def _server(context: DiagnosisContext, affected: AffectedLink) -> Claim | None:
    """The agent gets no answer in time, and the sender still has a connection without replies.

    A single answer that is late says nothing, nor does a server whose receiver goes on replying.
    """
    down, row = affected.down, affected.row
    if down is None or not down.down or down.reach != "hangs" or row is None or down.down_since is None:
        return None
    silent_s = context.now - down.down_since
    if silent_s < SLACK_S or (row.reply_age_s is not None and row.reply_age_s < silent_s - SLACK_S):
        return None
    name = down.name
    return Claim(
        subject=of_link(affected.link),
        confidence=0.95,
        title=f"the standby {name} hangs",
        summary=f"{name} answers neither its agent nor {affected.link.upstream}, whose connection to it still stands; "
        f"its last reply is {duration(row.reply_age_s)} old",
        steps=[
            Step(risk="look", text=f"Check the host of {name}: frozen, swapping, or waiting for a dead disk"),
            restart_server(name),
        ],
        evidence_for=[
            fact("up", "false", name, down.error),
            fact("sender_state", row.state, affected.link.upstream, "the connection still stands"),
            fact("reply_age_s", row.reply_age_s, affected.link.upstream, "the lag columns are frozen"),
        ],
    )


def _unread(context: DiagnosisContext, node: NodeState) -> Claim:
    """A server that has not answered since looking began, and may be the silent standby of another one.

    Nothing shows that it is, but that there is one of each, at one address.
    """
    silent = [
        (affected.link, affected.row)
        for affected in streaming(context)
        if affected.link.agentless and affected.row is not None and (affected.row.reply_age_s or 0.0) >= SILENT_REPLY_S
    ]
    alone = len(silent) == 1 and sum(map(is_unread, context.nodes)) == 1
    fits = alone and silent[0][1].address == node.node.host
    maybe = "".join(
        f"; a standby of {link.upstream} at {row.address} has not replied for {duration(row.reply_age_s)}"
        for link, row in silent[:1]
    )
    return Claim(
        subject=context.about_node(node),
        confidence=0.6 if fits else UNSEEN,
        title=f"{node.name} does not answer",
        summary=f"{node.name} has not answered since looking began: {node.error or 'no reason known'}{maybe}"
        + (", and is probably this server" if fits else ""),
        steps=[Step(risk="look", text=f"Check the host of {node.name}: frozen, swapping, or waiting for a dead disk")],
        evidence_for=[
            fact("up", "false", node.name, node.error),
            *(fact("reply_age_s", row.reply_age_s, link.upstream, f"of {row.address}") for link, row in silent),
        ],
        not_seen=[fact("upstream", "not seen", node.name, "it has not answered since looking began")],
    )


def _receiver(context: DiagnosisContext, affected: AffectedLink) -> Claim | None:
    """A receiver that runs would have given up on a silent stream."""
    receiver: Upstream | None = affected.sample.upstream if affected.sample is not None else None
    patience_ms = context.number(affected.down, GIVES_UP)
    if receiver is None or receiver.status is None or receiver.message_age_s is None or not patience_ms:
        return None
    if receiver.message_age_s < patience_ms / 1000.0 + SLACK_S:
        return None
    name = affected.link.downstream
    return Claim(
        subject=of_link(affected.link),
        confidence=0.93,
        title=f"the WAL receiver of {name} hangs",
        summary=f"the WAL receiver of {name} has received no message for {duration(receiver.message_age_s)} and did "
        f"not give up after {GIVES_UP} = {context.shown(affected.down, GIVES_UP)}, as one that runs would",
        steps=[
            show_receiver(name),
            Step(risk="look", text=f"Check that process on the host of {name}: stopped, or waiting for a dead disk"),
            Step(
                risk="careful",
                node=name,
                sql="SELECT pg_terminate_backend(pid) FROM pg_stat_wal_receiver",
            ),
        ],
        evidence_for=[
            fact("message_age_s", receiver.message_age_s, name),
            fact(GIVES_UP, context.shown(affected.down, GIVES_UP), name),
            fact(
                "reply_age_s",
                affected.row.reply_age_s if affected.row is not None else "no sender",
                affected.link.upstream,
            ),
        ],
    )


def _replay(context: DiagnosisContext, affected: AffectedLink) -> Claim | None:
    """Replay that shows as idle beside WAL that waits for it; a guess where it shows one read or write all the time."""
    link = affected.link
    still = context.now - link.moved_at
    if (
        affected.sample is None
        or affected.wait is None
        or not (affected.wait == IDLE or affected.wait.startswith("IO/"))
        or not outstanding(link, PAGE_SLACK_BYTES)
        or still < max(STALLED_S, SILENT_REPLY_S)
    ):
        return None
    idle, name = affected.wait == IDLE, link.downstream
    shows = (
        f"it shows as waiting for WAL ({affected.wait}) while received WAL waits for it"
        if idle
        else f"it shows as reading or writing ({affected.wait}), and is stopped, or its disk does not answer"
    )
    signs = "stopped, or in a loop" if idle else "stopped, or waiting for a dead disk"
    return Claim(
        subject=of_link(link),
        confidence=0.9 if idle else UNSEEN,
        title=f"replay on {name} hangs",
        summary=f"the startup process of {name} has not moved for {duration(still)}: {shows}",
        steps=[
            show_replay(name),
            Step(risk="look", text=f"Check that process on the host of {name}: {signs}"),
            *([restart_server(name)] if idle else []),
        ],
        evidence_for=[
            fact("startup_wait", affected.wait, link.downstream),
            fact("received_not_replayed_bytes", (link.received or 0) - (link.position or 0), link.downstream),
        ],
    )


CAUSE = CauseRule(
    code="standby_hung",
    find=find,
)

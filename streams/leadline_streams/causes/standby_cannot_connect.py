"""``standby_cannot_connect``: a standby does not reach its upstream, or nothing passes between the two."""

from collections.abc import Iterator

from leadline.model.alert import Evidence
from leadline.model.incident import Change, Step
from leadline.model.replication import Downstream
from leadline.words import duration
from leadline_streams.causes.disk_full import is_full
from leadline_streams.causes.slot_in_use_elsewhere import holder
from leadline_streams.causes.slot_missing import missing_slot
from leadline_streams.causes.too_many_wal_senders import has_no_sender_left
from leadline_streams.causes.wal_corrupt import corruption, is_unreadable
from leadline_streams.causes.wal_removed import removed_below
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.cut_roots import also_lost, refusal, seen_at, unseen
from leadline_streams.engines.postgresql.links import cut_off, is_physical_sender
from leadline_streams.engines.postgresql.receiver_messages import ANSWERED, meaning, see_certificate
from leadline_streams.engines.postgresql.silence import SILENT_REPLY_S, unanswered_s
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.engines.postgresql.statements import reload_settings, show_receiver, show_senders
from leadline_streams.engines.postgresql.timeouts import status_s
from leadline_streams.engines.postgresql.wal import has_forked, kept_timeline
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext, change_in_words
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.node_state import NodeState
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

CONNINFO = "primary_conninfo"
SLACK_S = 2.0
SETTLED_S = 3.0
"""A receiver uses a new address at once, and needs a moment to connect. Until then the last known change may still be
the one to the wrong address."""
RETRIES = "Timeout/RecoveryRetrieveRetryInterval"
NO_HOST = f"{CONNINFO} shows no host: it may be malformed, as by a quote or a space in a password"
GUESSED = 0.45
"""Confidence in a silence of a link that is not judged as cut off: its ends may have nothing to say."""
UNKNOWN_REASON = 0.5
"""Confidence while nothing shows why there is no connection: a cause of its own may be behind it."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A link that carries nothing between two servers that both answer, for no reason that their samples show."""
    for affected in cut_off(context):
        assert affected.sample is not None
        receiver = affected.sample.upstream
        if receiver is None or not receiver.configured or _is_refused(context, affected):
            continue
        if receiver.status is None or affected.row is None:
            change = context.changed(affected.down, CONNINFO)
            if change is None or affected.link.cut_since is None:
                yield _unconnected(context, affected)
            elif context.now - max(change.at.timestamp(), affected.link.cut_since) >= SETTLED_S:
                yield _misled(context, affected, change)
        elif max(receiver.message_age_s or 0.0, unanswered_s(affected.row) or 0.0) >= SILENT_REPLY_S and not _is_new(
            affected.row
        ):
            yield _unheard(affected)


def _is_new(row: Downstream) -> bool:
    """Whether a connection is younger than the silence, which is from before it."""
    return row.connected_s is not None and row.connected_s < SILENT_REPLY_S


def _is_refused(context: DiagnosisContext, affected: AffectedLink) -> bool:
    """Whether the upstream receives the standby's request and cannot serve it: other causes name the reason."""
    lost = affected.slot is not None and slot_is_lost(affected.slot)
    gone = removed_below(context, affected) is not None
    if has_no_sender_left(context, affected) is not None or corruption(context, affected) is not None:
        return True
    if affected.up is not None and affected.down is not None and kept_timeline(affected.up, affected.down) is not None:
        return True
    if affected.down is not None and is_full(affected.down, context.now):
        return True
    own = server_log.newest(affected.down, context.now, server_log.of_receiver)
    if own is None and is_unreadable(context, affected):
        return True
    return lost or gone or has_forked(affected) or missing_slot(affected) is not None or holder(affected) is not None


def _unheard(affected: AffectedLink) -> Claim:
    """A connection that carries nothing; the direction that fails shows in who still receives messages."""
    link = affected.link
    assert affected.sample is not None
    assert affected.sample.upstream is not None
    assert affected.row is not None
    message_age, reply_age = affected.sample.upstream.message_age_s or 0.0, unanswered_s(affected.row) or 0.0
    forth = message_age < SILENT_REPLY_S
    back = reply_age < SILENT_REPLY_S or (
        reply_age < status_s(affected.up, affected.down) and reply_age + SLACK_S < message_age
    )
    where, confidence = "in both directions", 0.75
    if forth:
        where, confidence = f"from {link.downstream} to {link.upstream}", 0.9
    elif back:
        where, confidence = f"from {link.upstream} to {link.downstream}", 0.9
    return Claim(
        subject=of_link(link),
        confidence=confidence if link.verdict == "cut_off" else min(confidence, GUESSED),
        title=f"nothing passes between {link.downstream} and {link.upstream}",
        summary=f"the connection from {link.downstream} to {link.upstream} stands and nothing passes {where}: "
        f"the receiver's last message is {duration(message_age)} old, the sender's last reply {duration(reply_age)}",
        steps=[
            show_receiver(link.downstream),
            show_senders(link.upstream),
            Step(
                risk="look",
                text=f"Check the network between {link.upstream} and {link.downstream}: a firewall that drops "
                "packets, a dead route, a lost session in a load balancer",
            ),
        ],
        evidence_for=[
            fact("reason", "network"),
            fact("message_age_s", message_age, link.downstream),
            fact("reply_age_s", reply_age, link.upstream),
        ],
    )


def _misled(context: DiagnosisContext, affected: AffectedLink, change: Change) -> Claim:
    """The address of the upstream was changed, and there has been no connection since."""
    link = affected.link
    assert affected.down is not None
    was, changed = change_in_words(change)
    own = server_log.newest(affected.down, context.now, server_log.of_receiver)
    answered = own is not None and ANSWERED in own.message
    quoted = f": {own.message}{meaning(own)}" if own is not None and answered else ""
    leads = "to a server that refuses it" if answered else "to nothing reachable"
    return Claim(
        subject=of_link(link),
        confidence=0.95,
        title=f"{CONNINFO} of {link.downstream} points {leads}",
        summary=f"{link.downstream} cannot connect to {_address(affected)}{quoted}{was}",
        steps=[
            show_receiver(link.downstream),
            *see_certificate(affected, own),
            Step(
                risk="careful",
                text=f"On {link.downstream}: ALTER SYSTEM SET {CONNINFO} = '...'; with the address and role by "
                f"which {link.upstream} was reached before, then reload the settings",
            ),
            reload_settings(link.downstream),
        ],
        evidence_for=[
            fact("reason", CONNINFO),
            *changed,
            *([server_log.as_evidence(own, affected.down)] if own is not None else []),
            *_ends(affected),
        ],
        root=link.downstream,
    )


def _unconnected(context: DiagnosisContext, affected: AffectedLink) -> Claim:
    """No connection, and no change of the address that would explain it."""
    link = affected.link
    assert affected.sample is not None
    assert affected.sample.upstream is not None
    assert affected.down is not None
    assert affected.up is not None
    own = server_log.newest(affected.down, context.now, server_log.of_receiver)
    theirs = refusal(affected.up, context.now)
    root = seen_at(context, affected)
    siblings, unclear = unseen(context, affected, root is not None)
    reason = (
        f": {own.message}{meaning(own)}"
        if own is not None
        else f", which refuses it: {theirs.message}"
        if theirs
        else ""
    )
    unknown = (
        f", and {link.upstream} answers its agent. The network between them, pg_hba.conf, the password, a full disk of "
        f"{link.downstream}, or something else prevents it: the reason is in {server_log.place(affected.down)}"
    )
    return Claim(
        subject=of_link(link),
        confidence=0.95 if own is not None else 0.9 if theirs is not None else UNKNOWN_REASON,
        title=f"{' and '.join(sorted([link.downstream, *siblings]))} cannot connect to {link.upstream}",
        summary=f"{link.downstream} has no connection to {_address(affected)}{reason or unknown}{also_lost(siblings)}",
        steps=[
            server_log.read_it(affected.down, "it says why each attempt fails"),
            server_log.read_it(affected.up, "it says whom the server refused"),
            *see_certificate(affected, own),
            *([] if affected.down.disk is not None else [_look_at_disk(affected.down)]),
            Step(risk="look", text=f"Try it by hand on the host of {link.downstream}: {_by_hand(affected)}"),
        ],
        evidence_for=[
            *([server_log.as_evidence(own, affected.down)] if own is not None else []),
            *([server_log.as_evidence(theirs, affected.up)] if theirs is not None else []),
            *(root[1] if root is not None else []),
            *_ends(affected),
        ],
        evidence_against=_against(context, affected),
        not_seen=[*([] if reason else server_log.not_seen(affected.down)), *unclear],
        root=root[0] if root is not None else None,
    )


def _address(affected: AffectedLink) -> str:
    """The address that the receiver tries."""
    assert affected.sample is not None
    assert affected.sample.upstream is not None
    if not affected.sample.upstream.host:
        return f"{affected.link.upstream} ({NO_HOST})"
    return f"{affected.sample.upstream.host}:{affected.sample.upstream.port}"


def _by_hand(affected: AffectedLink) -> str:
    """A command that connects as the receiver does."""
    assert affected.sample is not None
    assert affected.sample.upstream is not None
    receiver = affected.sample.upstream
    own = f"host={receiver.host} port={receiver.port} replication=true"
    return f"psql '{own}' -c IDENTIFY_SYSTEM" if receiver.host else f"psql with the value of {CONNINFO} as it is"


def _ends(affected: AffectedLink) -> list[Evidence]:
    """Both ends of a connection that is not there, and the other standbys that have one."""
    link = affected.link
    rows = affected.up.sample.downstreams if affected.up and affected.up.sample else ()
    others = [row.name for row in rows if is_physical_sender(row)]
    return [
        fact("receiver", "none", link.downstream, f"tries {_address(affected)}"),
        fact("startup_wait", affected.wait or "busy", link.downstream),
        fact("sender", "none", link.upstream, "the server itself answers"),
        *([fact("other_standbys", ", ".join(others), link.upstream, "connected")] if others else []),
    ]


def _look_at_disk(down: NodeState) -> Step:
    text = f"See how much space is left on the volume of pg_wal of {down.name}: a receiver that cannot write ends, too"
    return Step(risk="look", node=down.name, text=text)


def _against(context: DiagnosisContext, affected: AffectedLink) -> list[Evidence]:
    """A receiver that does not retry is not being refused."""
    return (
        []
        if affected.wait == RETRIES
        else [fact("startup_wait", affected.wait or "busy", affected.link.downstream, "not retrying")]
    )


CAUSE = CauseRule(
    code="standby_cannot_connect",
    find=find,
)

"""``slot_in_use_elsewhere``: another consumer streams from the slot that a standby or a subscription needs."""

from collections.abc import Iterator
from math import inf

from leadline.catalogue.entry import CUT
from leadline.model.incident import Step
from leadline.model.replication import Downstream, Slot
from leadline.words import duration
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.links import cut_off
from leadline_streams.engines.postgresql.silence import unanswered_s
from leadline_streams.engines.postgresql.statements import end_sender, show_session, show_slot
from leadline_streams.engines.postgresql.timeouts import sender_timeout_s
from leadline_streams.judge.diagnosis.context import AffectedLink, DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.lookup import first
from leadline_streams.judge.rule import fact
from leadline_streams.judge.subject import of_link

HELD_S = 5.0
"""A worker that is started again and again holds its slot for a moment each time."""


RETRIES = "Timeout/RecoveryRetrieveRetryInterval"
LOST_S = 3.0
"""A sender without a reply for so long, whose standby has no receiver, has lost its connection."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A standby without a receiver, or a subscription without a stream, whose slot is active."""
    yield from _standbys(context)
    yield from _subscriptions(context)


def _standbys(context: DiagnosisContext) -> Iterator[Claim]:
    for affected in cut_off(context):
        link, slot, row, lost = affected.link, affected.slot, taker(affected), left_behind(affected)
        if slot is not None and lost is not None:
            yield _lost(affected, slot, lost)
        if slot is None or row is None:
            continue
        yield Claim(
            subject=of_link(link),
            confidence=0.95,
            title=f"slot {slot.name} of {link.downstream} is used by {row.name}",
            summary=f"{link.downstream} cannot stream: its slot {slot.name} on {link.upstream} is held by {row.name} "
            f"from {row.address or 'a local socket'}, pid {row.pid}",
            steps=[
                show_slot(link.upstream, slot.name),
                show_session(link.upstream, row.pid),
                Step(risk="careful", text=f"Give {row.name} a slot of its own, then end its sender"),
                end_sender(link.upstream, row.pid),
            ],
            evidence_for=[
                fact("active_pid", row.pid, link.upstream, row.name),
                fact("receiver", "none", link.downstream),
            ],
        )


def _lost(affected: AffectedLink, slot: Slot, row: Downstream) -> Claim:
    """The upstream has not noticed that the standby's last connection is gone."""
    link, limit_s = affected.link, sender_timeout_s(affected.up)
    ends = (
        f"It ends by itself after {duration(limit_s)} (wal_sender_timeout)"
        if limit_s < inf
        else "wal_sender_timeout = 0, so it does not end by itself"
    )
    return Claim(
        subject=of_link(link),
        confidence=0.95,
        title=f"slot {slot.name} of {link.downstream} is held by its lost connection",
        summary=f"{link.downstream} cannot stream: {link.upstream} still has a sender (pid {row.pid}) that uses its "
        f"slot {slot.name} for a connection that is lost, without a reply for {duration(unanswered_s(row))}. {ends}",
        steps=[
            show_slot(link.upstream, slot.name),
            show_session(link.upstream, row.pid),
            end_sender(link.upstream, row.pid),
        ],
        evidence_for=[
            fact("active_pid", row.pid, link.upstream, f"{row.name}, no reply for {duration(unanswered_s(row))}"),
            fact("receiver", "none", link.downstream),
        ],
    )


def _subscriptions(context: DiagnosisContext) -> Iterator[Claim]:
    """Changes that the other consumer confirms are not sent to the subscription any more."""
    for affected in affected_subscriptions(context, CUT):
        row = reader(affected)
        if row is None or affected.slot is None or affected.publisher is None:
            continue
        up, slot = affected.publisher.name, affected.slot.name
        yield Claim(
            subject=affected.about,
            confidence=0.93,
            title=f"slot {slot} of {affected.name} is used by another consumer",
            summary=f"{affected.name} receives nothing: its slot {slot} on {up} is read by {row.name} from "
            f"{row.address or 'a local socket'}, pid {row.pid}, perhaps by a copy of the subscriber. What that one "
            "confirms is not sent to the subscription any more",
            steps=[
                show_slot(up, slot),
                show_session(up, row.pid),
                affected.show,
                Step(
                    risk="careful",
                    text=f"Find the consumer at {row.address or 'the other end'} and disable it there; ending its "
                    f"sender makes it connect again. Then compare the tables of {affected.name} with those of {up}",
                ),
            ],
            evidence_for=[
                fact("active_pid", row.pid, up, f"{row.name}, connected for {duration(row.connected_s or 0.0)}"),
                fact("received_lsn", "none", affected.node.name, "its own worker has received nothing"),
            ],
        )


def reader(affected: AffectedSubscription) -> Downstream | None:
    """The sender of another consumer that uses the slot of a subscription without a stream; None when there is none."""
    own, slot, publisher = affected.subscription, affected.slot, affected.publisher
    if not own.enabled or own.received_lsn is not None or slot is None or not slot.active:
        return None
    if publisher is None or publisher.sample is None:
        return None
    row = first(publisher.sample.downstreams, "pid", slot.active_pid)
    if row is None or (row.connected_s or 0.0) < HELD_S or (row.reply_age_s or 0.0) >= sender_timeout_s(publisher):
        return None
    return row


def taker(affected: AffectedLink) -> Downstream | None:
    """The sender of another consumer that uses the slot of a standby without a receiver; None when there is none."""
    receiver = affected.sample.upstream if affected.sample is not None else None
    slot, up = affected.slot, affected.up
    if receiver is None or receiver.status is not None or slot is None or not slot.active:
        return None
    if up is None or not up.answers or up.sample is None:
        return None
    row = first(up.sample.downstreams, "pid", slot.active_pid)
    own = (affected.link.downstream, receiver.application_name)
    return row if row is not None and row.name not in own else None


def holder(affected: AffectedLink) -> Downstream | None:
    """The sender that keeps a standby from its slot, of another consumer or of its own lost connection."""
    return taker(affected) or left_behind(affected)


def left_behind(affected: AffectedLink) -> Downstream | None:
    """The sender of a standby's own last connection, where the standby has none any more; None when there is none.

    Its upstream answers it, so that it tries again; without an answer the network is cut, and no slot is in the way.
    """
    receiver = affected.sample.upstream if affected.sample is not None else None
    slot, up = affected.slot, affected.up
    if receiver is None or receiver.status is not None or slot is None or not slot.active:
        return None
    if up is None or not up.answers or up.sample is None:
        return None
    row = first(up.sample.downstreams, "pid", slot.active_pid)
    if row is None or row.name not in (affected.link.downstream, receiver.application_name) or affected.wait != RETRIES:
        return None
    return row if (unanswered_s(row) or 0.0) >= LOST_S else None


CAUSE = CauseRule(
    code="slot_in_use_elsewhere",
    find=find,
)

"""``subscriber_cannot_connect``: a subscription's worker receives nothing from a publisher that answers."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.server_log import LogLine
from leadline.words import duration
from leadline_streams.causes.apply_workers_exhausted import reached_limits
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import (
    DUPLICATES,
    TOGETHER_S,
    AffectedSubscription,
    affected_subscriptions,
    quoted,
)
from leadline_streams.engines.postgresql.slots import slot_is_lost
from leadline_streams.engines.postgresql.statements import show_settings
from leadline_streams.engines.postgresql.timing import longer_s, milliseconds
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RECEIVING = frozenset({"Activity/LogicalApplyMain", "Client/LibpqwalreceiverReceive"})
"""Wait events of a worker that waits for messages."""
CONNECTING = "walreceiverconnect"
"""The end of the wait event of a worker that waits for an answer to its attempt to connect, in lower case."""
UNANSWERED, PARTED = 0.9, 0.94
"""Confidence while an attempt to connect gets no answer; and while a worker waits for a sender that has ended."""
BEFORE_15 = "before PostgreSQL 15 a worker that connects and fails to apply looks the same: read the server log"
NOT_CONNECTED = (server_log.CONNECTION, server_log.LOGIN)
"""Classes of SQLSTATE: the worker cannot connect; or it ends as it starts, in the name of the subscription's owner."""
PROHIBITED = "2F003"
"""The owner is no superuser, and the connection string has no password (since PostgreSQL 16)."""
RETRY = "wal_retrieve_retry_interval"
ABSENT = 0.5
"""Confidence while only the absence of a worker is seen, and of errors to apply."""
FAILED_S = 30.0
"""A worker that failed to apply so lately has reached its publisher, with the default of that setting."""
DROPPED = "What is between the two hosts drops packets without closing the connection, as a firewall or a NAT may"
SLACK_S = 2.0
SILENT_S = 5.0
"""A publisher that has changes to send sends more often than this."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription, no errors, free workers, a slot that waits; and no stream, or one that is silent."""
    for affected in affected_subscriptions(context, CUT):
        own, publisher, slot = affected.subscription, affected.publisher, affected.slot
        if not own.enabled or affected.fails or publisher is None or slot is None or slot_is_lost(slot):
            continue
        if affected.risen(*DUPLICATES):
            continue  # the conflict explains why the worker ends and is started again
        if affected.errors > 1 and context.now - affected.failed_at < FAILED_S + 2 * longer_s(affected.node, RETRY):
            continue  # so do failures to apply; the loss of a connection counts as one
        parted, unanswered = _parted(affected), _unanswered(affected)
        silent = parted or unanswered or _silent(affected)
        sign = silent or _absent(context, affected)
        reason = _reason(affected)
        if sign is None or (silent is None and reason is None and _fails_otherwise(affected)):
            continue
        up, counted = publisher.name, own.apply_errors is not None
        other = "" if _applied_all(context, affected) else "a failure to apply, "
        sender = affected.row.pid if affected.row is not None else "none"
        sure = PARTED if parted else UNANSWERED if unanswered else 0.88 if silent else 0.0
        yield Claim(
            subject=affected.about,
            confidence=_confidence(context, affected, sure, reason),
            title=f"{affected.name} cannot reach {up}",
            summary=f"{affected.name} receives nothing from {up}, and both servers answer: {sign}. "
            + (
                f"Its worker writes: {reason.message}"
                if reason is not None
                else f"{DROPPED}, and neither end notices before its own timeout"
                if parted or unanswered
                else f"The network between them, pg_hba.conf, the password, {other}the connection string of the "
                "subscription or a right that its owner has lost may be the reason, which is in "
                f"{server_log.place(affected.node)}"
            ),
            steps=[*affected.read_error, *_try_out(affected, up, parted or unanswered), *_reconnect(affected)],
            evidence_for=[
                fact("worker", own.pid or "none", affected.node.name, own.wait or "enabled, no errors"),
                fact("slot", slot.name, up, "active" if slot.active else "inactive"),
                fact("sender", sender, up),
                *([server_log.as_evidence(reason, affected.node)] if reason is not None else []),
            ],
            evidence_against=_doubts(affected, counted),
            not_seen=[] if reason is not None or parted or unanswered else _not_seen(affected, counted),
        )


def _confidence(
    context: DiagnosisContext, affected: AffectedSubscription, sure: float, reason: LogLine | None
) -> float:
    """Sure where the worker writes so, or waits for messages that do not come; otherwise it may fail to apply."""
    if reason is not None:
        return 0.95 if affected.is_certain else 0.7
    if sure:
        return sure
    counted = affected.subscription.apply_errors is not None
    return ABSENT if counted and not _may_have_failed(context, affected) else 0.45


def _reason(affected: AffectedSubscription) -> LogLine | None:
    """The newest error of the worker, when it is one of connecting, or of its owner's right to connect.

    Where the server counts errors to apply and there is none, it is whatever ends the worker before it connects.
    """
    reason = affected.reason
    before = affected.subscription.apply_errors is not None and not affected.errors
    return reason if reason is not None and (before or reason.code.startswith(NOT_CONNECTED)) else None


def _fails_otherwise(affected: AffectedSubscription) -> bool:
    """Whether the server log shows that the worker of this subscription fails for another reason."""
    return affected.reason is not None and affected.is_certain


def _reconnect(affected: AffectedSubscription) -> list[Step]:
    """A new connection string; proposed only where the worker writes that it cannot connect."""
    reason = _reason(affected)
    if reason is not None and reason.code == PROHIBITED:
        give = f"ALTER SUBSCRIPTION {quoted(affected.subscription.in_sql)} SET (password_required = false)"
        text = f"Put a password into the connection string, or let a superuser run {give}"
        return [Step(risk="careful", node=affected.node.name, database=affected.subscription.database, text=text)]
    if reason is None or not reason.code.startswith(server_log.CONNECTION):
        return []
    alter = f"ALTER SUBSCRIPTION {quoted(affected.subscription.in_sql)} CONNECTION 'host=... dbname=... user=...'"
    text = f"If the address or the role is wrong, correct it: {alter}"
    return [Step(risk="careful", node=affected.node.name, database=affected.subscription.database, text=text)]


def _doubts(affected: AffectedSubscription, counted: bool) -> list[Evidence]:
    return [] if counted else [fact("apply_errors", "not counted", affected.node.name, BEFORE_15)]


def _not_seen(affected: AffectedSubscription, counted: bool) -> list[Evidence]:
    shown_by = "the last ERROR of the worker in the server log shows whether it connects"
    return [] if counted else [fact("apply_errors", "not counted", affected.node.name, shown_by)]


def _absent(context: DiagnosisContext, affected: AffectedSubscription) -> str | None:
    """No worker is connected or uses the slot, though no limit prevents its start."""
    used = affected.row is not None or affected.slot is None or affected.slot.active
    if used or affected.subscription.received_lsn is not None or reached_limits(context, affected):
        return None
    return "its worker starts again and again without a connection"


def _may_have_failed(context: DiagnosisContext, affected: AffectedSubscription) -> bool:
    """Whether the one error counted so far may have been one of applying: only the next attempt shows that."""
    cut_at = affected.link.cut_since if affected.link is not None else None
    if cut_at is None or affected.failed_at < cut_at - TOGETHER_S:
        return False
    return context.now - cut_at < _retry_s(affected)


def _applied_all(context: DiagnosisContext, affected: AffectedSubscription) -> bool:
    """Whether no attempt ever failed to apply, or none did in the time in which the worker tries again."""
    errors, link = affected.subscription.apply_errors, affected.link
    if not errors or link is None or link.cut_since is None:
        return errors == 0
    return context.now - link.cut_since >= _retry_s(affected) and affected.failed_at <= link.cut_since


def _retry_s(affected: AffectedSubscription) -> float:
    return milliseconds(affected.node, RETRY) + SLACK_S


def _parted(affected: AffectedSubscription) -> str | None:
    """A worker that waits for messages of a sender that has ended, as one does whose connection was lost halfway."""
    own, slot = affected.subscription, affected.slot
    age_s = own.message_age_s or 0.0
    if own.pid is None or own.wait not in RECEIVING or age_s < SILENT_S or own.received_lsn is None:
        return None
    if affected.row is not None or slot is None or slot.active or affected.publisher is None:
        return None
    return (
        f"{affected.publisher.name} has ended the sender, and the worker (pid {own.pid}) still waits for it: it has "
        f"received nothing for {duration(age_s)}"
    )


def _unanswered(affected: AffectedSubscription) -> str | None:
    """A worker whose attempt to connect is neither accepted nor refused."""
    own = affected.subscription
    age_s = own.message_age_s or 0.0
    if own.pid is None or not (own.wait or "").lower().endswith(CONNECTING) or age_s < SILENT_S:
        return None
    return f"its worker (pid {own.pid}) has waited for {duration(age_s)} for an answer to its attempt to connect"


def _try_out(affected: AffectedSubscription, up: str, sign: str | None) -> list[Step]:
    """The way between the hosts, and the settings by which an end notices that it leads nowhere."""
    if sign is None:
        return []
    text = (
        f"On the host of {affected.node.name}, connect with psql to the address of the subscription: an answer that "
        f"does not come points to a firewall, a NAT or a route between it and {up}"
    )
    return [
        Step(risk="look", node=affected.node.name, text=text),
        show_settings(affected.node.name, "wal_receiver_timeout", "tcp_keepalives_idle", "tcp_user_timeout"),
    ]


def _silent(affected: AffectedSubscription) -> str | None:
    """A worker that waits for messages, from a publisher that has changes for it."""
    age_s, wait, link = affected.subscription.message_age_s or 0.0, affected.subscription.wait, affected.link
    if link is None or (link.lag_s or 0.0) < SILENT_S or wait not in RECEIVING or age_s < SILENT_S:
        return None
    return f"its worker waits and has received nothing for {duration(age_s)}"


CAUSE = CauseRule(
    code="subscriber_cannot_connect",
    find=find,
)

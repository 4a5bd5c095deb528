"""``subscriber_cannot_connect``: a subscription's worker receives nothing from a publisher that answers."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.incident import Step
from leadline_streams.causes.apply_workers_exhausted import reached_limits
from leadline_streams.engines.postgresql.apply import DUPLICATES, TOGETHER_S, Apply, affected_subscriptions, quoted
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

IDLE_WAITS = frozenset({"Activity/LogicalApplyMain", "Client/LibpqwalreceiverReceive"})
"""Waits of a worker that has nothing to do but receive."""
BEFORE_15 = "before PostgreSQL 15 a worker that connects and fails to apply looks the same: read the server log"
RETRY = "wal_retrieve_retry_interval"
RETRY_MS = 5000
"""Its default."""
SLACK_S = 2.0
SILENT_S = 5.0
"""A publisher with changes to send is not silent for this long."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """An enabled subscription, no errors, free workers, a slot that waits; and no stream, or one that is silent."""
    for subscriber in affected_subscriptions(context, CUT):
        if (
            not subscriber.subscription.enabled
            or subscriber.fails
            or subscriber.publisher is None
            or subscriber.slot is None
        ):
            continue
        if subscriber.risen(*DUPLICATES):
            continue  # the row in the way explains that the worker comes and goes
        sign = _silent(subscriber) or _absent(context, subscriber)
        if sign is None:
            continue
        up, counted = subscriber.publisher.name, subscriber.subscription.apply_errors is not None
        yield Claim(
            subject=subscriber.about,
            confidence=0.5 if not counted else 0.45 if _may_have_failed(context, subscriber) else 0.88,
            title=f"{subscriber.name} cannot reach {up}",
            summary=f"{subscriber.name} receives nothing from {up}, and both servers answer: {sign}. Check the "
            f"network between "
            "them, pg_hba.conf, the password and the subscription's connection string",
            steps=[
                Step(
                    risk="look", text=f"Read the last ERROR of its worker in the server log of {subscriber.node.name}"
                ),
                subscriber.step("look", "SELECT subname, subenabled, subslotname FROM pg_subscription"),
                *_reconnect(subscriber, counted),
            ],
            evidence_for=[
                fact(
                    "worker",
                    subscriber.subscription.pid or "none",
                    subscriber.node.name,
                    subscriber.subscription.wait or "enabled, no errors",
                ),
                fact("slot", subscriber.slot.name, up, "active" if subscriber.slot.active else "inactive"),
                fact("sender", subscriber.row.pid if subscriber.row is not None else "none", up),
            ],
            evidence_against=[] if counted else [fact("apply_errors", "not counted", subscriber.node.name, BEFORE_15)],
        )


def _reconnect(subscriber: Apply, counted: bool) -> list[Step]:
    """Proposed only where the errors are counted: otherwise the cause is a guess."""
    if not counted:
        return []
    text = f"If the address or the role is wrong, on {subscriber.node.name}: ALTER SUBSCRIPTION "
    f"{quoted(subscriber.subscription.name)} "
    return [Step(risk="careful", text=text + "CONNECTION 'host=... dbname=... user=...'")]


def _absent(context: DiagnosisContext, subscriber: Apply) -> str | None:
    """A worker without a sender and without its slot, though no limit keeps it from starting."""
    assert subscriber.slot is not None
    if (
        subscriber.row is not None
        or subscriber.slot.active
        or subscriber.subscription.received_lsn is not None
        or reached_limits(context, subscriber)
    ):
        return None
    return "its worker starts again and again without a connection"


def _may_have_failed(context: DiagnosisContext, subscriber: Apply) -> bool:
    """Whether the one error that is counted so far may be of applying: only the next attempt shows that."""
    cut_at = subscriber.link.cut_since if subscriber.link is not None else None
    if cut_at is None or subscriber.failed_at < cut_at - TOGETHER_S:
        return False
    retry_s = (context.number(subscriber.node, RETRY) or RETRY_MS) / 1000
    return context.now - cut_at < retry_s + SLACK_S


def _silent(subscriber: Apply) -> str | None:
    """A worker that waits to receive, and a publisher that has changes for it."""
    age_s, wait = subscriber.subscription.message_age_s or 0.0, subscriber.subscription.wait
    if (
        subscriber.link is None
        or (subscriber.link.lag_s or 0.0) < SILENT_S
        or wait not in IDLE_WAITS
        or age_s < SILENT_S
    ):
        return None
    return f"its worker waits and has received nothing for {age_s:.0f} s"


CAUSE = CauseRule(
    code="subscriber_cannot_connect",
    find=find,
)

"""``apply_blocked_by_lock``: an apply worker waits for a lock that a session on the subscriber holds."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.incident import Step
from leadline.model.observation import Session
from leadline_streams.engines.postgresql.apply import Apply, affected_subscriptions
from leadline_streams.engines.postgresql.statements import end_session, show_clients, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

SETTLED_S = 2.0
"""Shorter waits are those of normal traffic."""
OWN_WORKERS = "Lock/applytransaction"
"""The leader waits for its parallel workers."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A worker that waits for a lock and whose transaction gets old."""
    for subscriber in affected_subscriptions(context, CUT):
        wait, waits_s = subscriber.subscription.wait or "", subscriber.subscription.transaction_s or 0.0
        blockers = _blockers(subscriber)
        if not wait.startswith("Lock/") or (wait == OWN_WORKERS and not blockers):
            continue
        pids = [session.pid for session in blockers] or subscriber.subscription.blocked_by
        first = blockers[0] if blockers else None
        what = f" ({first.holds})" if first is not None and first.holds else ""
        who = f"session pid {pids[0]} on {subscriber.node.name}" if pids else f"a session on {subscriber.node.name}"
        yield Claim(
            subject=subscriber.about,
            confidence=0.6 if waits_s < SETTLED_S else 0.97 if pids else 0.9,
            title=f"apply on {subscriber.node.name} is blocked by a lock",
            summary=f"{who} holds a lock{what} that the apply worker of {subscriber.name} has waited for during "
            f"{waits_s:.0f} s",
            steps=_steps(subscriber, pids[0] if pids else None),
            evidence_for=[
                fact("wait", wait, subscriber.node.name, f"the worker's transaction is {waits_s:.0f} s old"),
                *(fact("blocker", _who(session), subscriber.node.name, session.query) for session in blockers),
                *(fact("blocked_by", pid, subscriber.node.name) for pid in pids if not blockers),
            ],
        )


def _steps(subscriber: Apply, pid: int | None) -> list[Step]:
    if pid is None:
        return [show_clients(subscriber.node.name)]
    return [
        show_session(subscriber.node.name, pid),
        Step(risk="look", text="Let its owner end the transaction; if that takes too long, end the session"),
        end_session(subscriber.node.name, pid),
    ]


def _blockers(subscriber: Apply) -> list[Session]:
    """Client sessions that hold the lock."""
    activity = subscriber.node.sample.activity if subscriber.node.sample is not None else None
    sessions = activity.blockers if activity is not None else []
    return [session for session in sessions if session.pid in subscriber.subscription.blocked_by]


def _who(session: Session) -> str:
    holds = f", holds {session.holds}" if session.holds else ""
    return f"pid {session.pid}, user {session.user}, {session.state}, {session.age_s:.0f} s old{holds}"


CAUSE = CauseRule(
    code="apply_blocked_by_lock",
    find=find,
)

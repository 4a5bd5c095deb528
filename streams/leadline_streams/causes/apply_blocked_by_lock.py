"""``apply_blocked_by_lock``: an apply worker waits for a lock that a session on the subscriber holds."""

from collections.abc import Iterator

from leadline.catalogue.entry import CUT
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.model.observation import Session
from leadline.words import duration
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions
from leadline_streams.engines.postgresql.sessions import brief, described
from leadline_streams.engines.postgresql.statements import end_session, show_clients, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

BRIEF_S = 2.0
"""Waits shorter than this are part of normal traffic."""
OWN_WORKERS = "Lock/applytransaction"
"""The wait event of a leader worker that waits for its parallel workers."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A worker that waits for a lock and whose transaction gets old."""
    for affected in affected_subscriptions(context, CUT | {"table_sync_waiting"}):
        wait, waits_s = affected.subscription.wait or "", affected.subscription.transaction_s or 0.0
        blockers, name = _blockers(affected), affected.node.name
        if not wait.startswith("Lock/") or (wait == OWN_WORKERS and not blockers):
            continue
        pids = [session.pid for session in blockers] or affected.subscription.blocked_by
        lock = f" ({blockers[0].holds})" if blockers and blockers[0].holds else ""
        unseen = f"pid {pids[0]} on {name}" if pids else f"a session on {name}"
        holder = brief(blockers[0], name) if blockers else unseen
        yield Claim(
            subject=affected.about,
            confidence=0.6 if waits_s < BRIEF_S else 0.97 if pids else 0.9,
            title=f"apply on {name} is blocked by a lock",
            summary=f"{holder} holds a lock{lock}; the apply worker of {affected.name} has waited for it for "
            f"{duration(waits_s)}",
            steps=_steps(affected, blockers, pids),
            evidence_for=[
                fact("wait", wait, name, f"the worker's transaction is {duration(waits_s)} old"),
                *(fact("blocker", described(session), name, session.query) for session in blockers),
                *(fact("blocked_by", pid, name) for pid in pids if not blockers),
            ],
            not_seen=_not_seen(affected, pids),
        )


def _steps(affected: AffectedSubscription, blockers: list[Session], pids: list[int] | tuple[int, ...]) -> list[Step]:
    """End the session that was seen. A process of which only the pid is known may be the server's own."""
    node = affected.node.name
    if not pids:
        return [show_clients(node)]
    wait = Step(
        risk="look", node=node, text="Ask its owner to end the transaction; if that takes too long, end the session"
    )
    return [show_session(node, pids[0]), wait, *(end_session(node, blockers[0]) if blockers else [])]


def _blockers(affected: AffectedSubscription) -> list[Session]:
    """Client sessions that hold the lock."""
    activity = affected.node.sample.activity if affected.node.sample is not None else None
    sessions = activity.blockers if activity is not None else []
    return [session for session in sessions if session.pid in affected.subscription.blocked_by]


def _not_seen(affected: AffectedSubscription, pids: tuple[int, ...] | list[int]) -> list[Evidence]:
    shown_by = "SELECT pg_blocking_pids(pid) for the worker's pid shows the session that holds the lock"
    return [] if pids else [fact("blocked_by", "not seen", affected.node.name, shown_by)]


CAUSE = CauseRule(
    code="apply_blocked_by_lock",
    find=find,
)

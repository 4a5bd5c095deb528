"""``apply_blocked_by_lock``: an apply worker waits for a lock that a session on the subscriber holds."""

from collections.abc import Iterator, Sequence

from leadline.catalogue.entry import FAILING
from leadline.model.activity import Session
from leadline.model.alert import Evidence
from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.engines.postgresql import server_log
from leadline_streams.engines.postgresql.apply import AffectedSubscription, affected_subscriptions, quoted
from leadline_streams.engines.postgresql.sessions import brief, described
from leadline_streams.engines.postgresql.statements import end_session, show_clients, show_session
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

LOCK_NOT_AVAILABLE = "55P03"
TIMEOUTS = (
    "SELECT coalesce(datname, 'every database') AS database, coalesce(setrole::regrole::text, 'every role') AS role, "
    "setconfig FROM pg_db_role_setting LEFT JOIN pg_database ON oid = setdatabase "
    "WHERE array_to_string(setconfig, ' ') LIKE '%lock_timeout%' UNION ALL "
    "SELECT 'this session', current_user, ARRAY['lock_timeout=' || current_setting('lock_timeout')]"
)
BRIEF_S = 2.0
"""Waits shorter than this are part of normal traffic."""
OWN_WORKERS = "Lock/applytransaction"
"""The wait event of a leader worker that waits for its parallel workers."""


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A worker that waits for a lock and whose transaction gets old, or that a lock_timeout ends again and again."""
    for affected in affected_subscriptions(context, FAILING | {"table_sync_waiting"}):
        wait, waits_s = affected.subscription.wait or "", affected.subscription.transaction_s or 0.0
        blockers, name = _blockers(affected), affected.node.name
        reason = affected.reason
        ended = affected.fails and reason is not None and reason.code == LOCK_NOT_AVAILABLE
        if not ended and (not wait.startswith("Lock/") or (wait == OWN_WORKERS and not blockers)):
            continue
        pids = [session.pid for session in blockers] or affected.subscription.blocked_by
        lock = f" ({blockers[0].holds})" if blockers and blockers[0].holds else ""
        unseen = f"pid {pids[0]} on {name}" if pids else f"a session on {name}"
        holder = brief(blockers[0], name) if blockers else unseen
        if affected.fails:
            yield _timed_out(affected, blockers, pids, f"{holder} holds a lock{lock}")
            continue
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


def _timed_out(affected: AffectedSubscription, blockers: list[Session], pids: Sequence[int], holder: str) -> Claim:
    """The worker fails at each attempt, and waits for the same lock in between."""
    reason, name = affected.reason, affected.node.name
    named = reason is not None and reason.code == LOCK_NOT_AVAILABLE
    ended = f": {reason.message}" if named and reason is not None and reason.message else ""
    return Claim(
        subject=affected.about,
        confidence=0.97 if named and pids else 0.93 if named else 0.6 if reason is None and pids else 0.3,
        title=f"apply on {name} is blocked by a lock",
        summary=f"{holder}; the apply worker of {affected.name} waits for it and fails at each attempt{ended}. "
        + ("A lock_timeout is set for" if named else "A lock_timeout may be what ends it, of")
        + " the server, the database or the owner of the subscription",
        steps=[
            affected.step("look", TIMEOUTS),
            *_steps(affected, blockers, pids),
            Step(
                risk="careful",
                node=name,
                database=affected.subscription.database,
                text="Let no lock_timeout hold for the worker: ALTER ROLE <owner of the subscription> IN DATABASE "
                f"{quoted(affected.subscription.database)} SET lock_timeout = 0",
            ),
        ],
        evidence_for=[
            fact("wait", affected.subscription.wait or "not seen", name, "of the worker, between two failures"),
            *([server_log.as_evidence(reason, affected.node)] if named and reason is not None else []),
            *(fact("blocker", described(session), name, session.query) for session in blockers),
            *affected.evidence,
        ],
        not_seen=[] if named else server_log.not_seen(affected.node),
    )


def _steps(affected: AffectedSubscription, blockers: list[Session], pids: Sequence[int]) -> list[Step]:
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

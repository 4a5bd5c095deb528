"""``table_copy_blocked``: an initial copy waits for a lock on its table, on either side."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leadline.model.activity import Session
from leadline.model.alert import Evidence
from leadline.model.ids import NodeName
from leadline.model.incident import Step
from leadline.words import duration
from leadline_streams.causes.sync_slot_waits import TRANSACTION
from leadline_streams.engines.postgresql.apply import affected_subscriptions
from leadline_streams.engines.postgresql.sessions import described
from leadline_streams.engines.postgresql.statements import end_session, show_session
from leadline_streams.engines.postgresql.table_copies import Stuck, stuck
from leadline_streams.judge.diagnosis.context import DiagnosisContext
from leadline_streams.judge.diagnosis.ranking import CauseRule, Claim
from leadline_streams.judge.rule import fact

RULES = frozenset({"table_sync_waiting"})


def find(context: DiagnosisContext) -> Iterator[Claim]:
    """A copy whose worker or sender waits for a lock of a session."""
    for affected in affected_subscriptions(context, RULES):
        for each in stuck(context.cluster, affected.node, affected.subscription):
            waiter = _waiter(each, affected.node.name)
            if waiter is None:
                continue
            node, wait, pid, blocked_by, described, holders = waiter
            whom = f"pid {blocked_by[0]} on {node}" if blocked_by else f"a session on {node}"
            yield Claim(
                subject=affected.about,
                confidence=0.96 if blocked_by else 0.8,
                title=f"the initial copy of {each.tables} is blocked by a lock on {node}",
                summary=f"the copy of {each.tables} by {affected.name} has not moved for "
                f"{duration(context.now - each.since)}: it waits for a lock that {whom} holds",
                steps=_steps(node, pid, blocked_by, holders),
                evidence_for=[fact("wait", wait, node, f"pid {pid}"), *described],
            )


class _Waiter(NamedTuple):
    """A process that waits for a lock, and those that it waits for."""

    node: NodeName
    wait: str
    pid: int
    blocked_by: list[int]
    described: list[Evidence]
    holders: Sequence[Session]
    """Of ``blocked_by``, the client sessions that were seen."""


def _waiter(each: Stuck, subscriber: NodeName) -> _Waiter | None:
    """The place of the wait; None when nothing waits for a lock."""
    waiting = each.sender.waiting if each.sender is not None else None
    if each.sender is not None and waiting is not None and waiting.wait != TRANSACTION:
        up = each.sender.publisher.name
        holders = [fact("blocker", described(one), up, one.query) for one in waiting.blockers]
        pids = [one.pid for one in waiting.blockers]
        return _Waiter(up, waiting.wait, waiting.pid, pids, holders, waiting.blockers)
    copy = each.copy
    if copy is None or not (copy.wait or "").startswith("Lock/"):
        return None
    return _Waiter(subscriber, copy.wait or "", copy.pid, list(copy.blocked_by), [], ())


def _steps(node: NodeName, pid: int, blocked_by: list[int], holders: Sequence[Session]) -> list[Step]:
    """End the session that was seen. A process of which only the pid is known may be the server's own."""
    if not blocked_by:
        return [show_session(node, pid)]
    ask = "Ask its owner to end the transaction; if that takes too long, end the session"
    look = [show_session(node, blocked_by[0]), Step(risk="look", node=node, text=ask)]
    return [*look, *(end_session(node, holders[0]) if holders else [])]


CAUSE = CauseRule(
    code="table_copy_blocked",
    find=find,
)

"""State that is kept from one look to the next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from leadline_agents.engines.postgresql.answers import LookAnswer


class _Reply(NamedTuple):
    time: datetime
    age_s: float
    """Age when the reply was first seen."""
    seen_at: float


class ReplyAges:
    """The age of each replica's last reply to its sender, measured without comparing two hosts' clocks.

    ``reply_time`` is the replica's clock, so only its changes are used: a reply that is new since the last look has age
    0, to within one interval. For a sender that is seen for the first time the two clocks are compared, until the first
    change.
    """

    def __init__(self) -> None:
        self._replies: dict[int, _Reply] = {}

    def update(self, replies: Mapping[int, datetime], at: datetime, now: float) -> dict[int, float]:
        """Age of each sender's last reply in seconds. ``at`` is the server's clock, ``now`` the agent's, monotonic."""
        before = self._replies
        self._replies = {pid: _follow(before.get(pid), time, at, now) for pid, time in replies.items()}
        return {pid: reply.age_s + now - reply.seen_at for pid, reply in self._replies.items()}


def _follow(before: _Reply | None, time: datetime, at: datetime, now: float) -> _Reply:
    if before is None:
        return _Reply(time, max(0.0, (at - time).total_seconds()), now)
    return before if time == before.time else _Reply(time, 0.0, now)


class LogicalWorkers:
    """The senders and apply workers of the database that the agent is connected to.

    A change that cannot be applied ends the worker and its sender, and a table is altered before that. A worker that
    fails and restarts again and again may never be seen; that it is missing is.
    """

    def __init__(self) -> None:
        self._before: frozenset[Any] | None = None

    def update(self, look: LookAnswer) -> bool:
        """Take one look. True while a slot has no sender or an enabled subscription no worker, or when one changed."""
        slots = [slot for slot in look.slots if slot.kind == "logical" and slot.database == look.database]
        subscriptions = [each for each in look.subscriptions if each.database == look.database]
        now = frozenset(
            [(slot.name, slot.active_pid, None) for slot in slots]
            + [(each.name, each.pid, (each.apply_errors, each.sync_errors)) for each in subscriptions]
        )
        before, self._before = self._before, now
        missing = any(not slot.active for slot in slots) or any(
            each.enabled and each.pid is None for each in subscriptions
        )
        return missing or (before is not None and before != now)

"""How long ago a replica last answered its sender, told without comparing two hosts' clocks."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple


class _Reply(NamedTuple):
    time: datetime
    age_s: float
    seen: float


class ReplyAges:
    """Remembers the last reply of each sender's replica.

    ``reply_time`` is the replica's clock, so only its changes tell: a reply that is new since the last look has age 0,
    to one interval. For a sender that is seen the first time the two clocks are compared after all, until it changes.
    """

    def __init__(self) -> None:
        self._replies: dict[int, _Reply] = {}

    def update(self, replies: Mapping[int, datetime], at: datetime, now: float) -> dict[int, float]:
        """Age of each sender's last reply in seconds. ``at`` is the server's clock, ``now`` the agent's, monotonic."""
        before = self._replies
        self._replies = {pid: _follow(before.get(pid), time, at, now) for pid, time in replies.items()}
        return {pid: reply.age_s + now - reply.seen for pid, reply in self._replies.items()}


def _follow(before: _Reply | None, time: datetime, at: datetime, now: float) -> _Reply:
    if before is None:
        return _Reply(time, max(0.0, (at - time).total_seconds()), now)
    return before if time == before.time else _Reply(time, 0.0, now)

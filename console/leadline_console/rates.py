"""Limits on how many requests one sender may make: a token bucket for each. Pure."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_SENDERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class RequestRate:
    """So many requests a second in the long run, and so many at once."""

    per_s: float
    at_once: float


class RateLimit:
    """One bucket for each sender; those that were not seen for longest are forgotten, which gives them a full one."""

    def __init__(self, rate: RequestRate) -> None:
        self._rate = rate
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, sender: str, now: float) -> float:
        """Take one request at the monotonic time ``now``: 0 if it is allowed, else the seconds until the next is."""
        left, at = self._left.pop(sender, (self._rate.at_once, now))
        left = min(self._rate.at_once, left + (now - at) * self._rate.per_s)
        allowed = left >= 1
        self._left[sender] = (left - 1 if allowed else left, now)
        if len(self._left) > MOST_SENDERS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate.per_s

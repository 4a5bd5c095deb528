"""Watches that a consumer gets its share of its group's partitions, and comes to work with it, in a bounded time."""

import logging
from typing import Any, Final

from leadline.clock import Clock

JOIN_S: Final = 300.0
"""Longest time in which a consumer gets its share of the partitions, or reads nothing on the way to its first work."""

log = logging.getLogger(__name__)


def has_share(consumer: Any) -> bool:
    """Whether its group has given it a share, which may be nothing: there may be more consumers than partitions."""
    return not consumer._subscription.reassignment_in_progress


class GroupWatch:
    """Time for which a consumer has been without work that it should have."""

    def __init__(self, name: str, clock: Clock) -> None:
        """``name`` is that of the target, for the process log."""
        self._name = name
        self._clock = clock
        self._since = clock.monotonic()

    def is_stuck(self, *, moves: bool) -> bool:
        """Whether it has waited for too long, which is logged.

        ``moves``: it works, or has nothing to work at, or has read something on the way to it.
        """
        now = self._clock.monotonic()
        if moves:
            self._since = now
        elif now - self._since >= JOIN_S:
            log.error(
                "%s: no share of the group's partitions in %g s, or they cannot be read to their end; "
                "leaving the group and joining again; see whether Kafka is well",
                self._name,
                JOIN_S,
            )
            return True
        return False

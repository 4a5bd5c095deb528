"""Circuit breaker: a target that keeps failing is only probed.

Closed: every attempt is allowed. Open: none is allowed until the next probe. One probe decides: success closes the
breaker, failure doubles the wait. A rate limit (429) does not count as a failure; the notifier handles it.
"""

from typing import Final

from leadline.clock import Clock

FAILURES: Final = 5
"""Consecutive failures that open the breaker."""
PROBE_S: Final = 30.0
"""Wait before the first probe. Each failed probe doubles it."""
MAX_PROBE_S: Final = 300.0


class CircuitBreaker:
    """Closed at first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._wait_s = 0.0
        self._probe_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the target is only probed."""
        return self._wait_s > 0

    def wait_s(self) -> float:
        """Seconds until an attempt is allowed; 0 when one is allowed now."""
        return max(0.0, self._probe_at - self._clock.monotonic()) if self.is_open else 0.0

    def record_failure(self, *, open_now: bool) -> None:
        """Count a failed attempt. ``open_now`` opens the breaker at once, for failures that retries cannot fix."""
        self._failures += 1
        if self.is_open:
            self._open(min(MAX_PROBE_S, self._wait_s * 2))
        elif open_now or self._failures >= FAILURES:
            self._open(PROBE_S)

    def record_success(self) -> None:
        """Close the breaker: the target answered, by accepting or by rejecting the content."""
        self._failures = 0
        self._wait_s = 0.0

    def _open(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._probe_at = self._clock.monotonic() + wait_s

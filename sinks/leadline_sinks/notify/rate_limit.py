"""Token bucket that keeps deliveries below the rate limit of a target. One token is one delivery."""

from leadline.clock import Clock
from leadline_sinks.notify.sink import Rate


class TokenBucket:
    """Full at first, refilled at a steady rate."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.monotonic()

    def wait_s(self) -> float:
        """Seconds until a token is available; 0 when one is."""
        self._fill()
        return max(0.0, (1.0 - self._tokens) / self._rate.per_s)

    def take(self) -> None:
        """Take a token. The caller has checked that one is available."""
        self._fill()
        self._tokens -= 1.0

    def _fill(self) -> None:
        now = self._clock.monotonic()
        # Slightly more than elapsed: the sum of fractions must not leave a token at 0.999… for ever.
        self._tokens = min(float(self._rate.burst), self._tokens + (now - self._at) * self._rate.per_s + 1e-9)
        self._at = now

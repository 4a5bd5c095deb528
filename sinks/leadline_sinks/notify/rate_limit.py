"""How fast a target may be spoken to: a bucket of tokens, filled at a steady rate. One token is one delivery."""

from leadline.clock import Clock
from leadline_sinks.notify.sink import Rate


class Bucket:
    """Full at first."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.monotonic()

    def wait_s(self) -> float:
        """Seconds until there is a token; 0 when there is one."""
        self._fill()
        return max(0.0, (1.0 - self._tokens) / self._rate.per_s)

    def take(self) -> None:
        """Take a token, which there must be."""
        self._fill()
        self._tokens -= 1.0

    def _fill(self) -> None:
        now = self._clock.monotonic()
        # A hair more than elapsed: adding up fractions must not leave a token at 0.999… for ever.
        self._tokens = min(float(self._rate.burst), self._tokens + (now - self._at) * self._rate.per_s + 1e-9)
        self._at = now

"""The pace of a client: waits between attempts, a token bucket for a rate limit, and a circuit breaker."""

from collections.abc import Callable
from math import inf
from typing import Final

from leadline.clock import Clock
from leadline_sinks.notify.sink import Rate

BASE_S: Final = 0.5
CAP_S: Final = 30.0
"""Bounds of the first wait after a failure and of any later one."""
RECONNECT_S: Final = 1.0
"""Wait before a client connects to Kafka again. It is constant: few processes reconnect to one cluster."""

FAILURES: Final = 5
"""Consecutive failures that open the breaker."""
PROBE_S: Final = 30.0
"""Wait before the first probe. Each failed probe doubles it."""
MAX_PROBE_S: Final = 300.0

RandomNumber = Callable[[], float]
"""Returns a number from 0 up to but excluding 1, as ``random.random`` does."""


def delay_s(failures: int, random_number: RandomNumber) -> float:
    """Seconds to wait after this many consecutive failures, 1 or more.

    This is "full jitter": clients that failed together do not return together.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random_number() * min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 16))


class TokenBucket:
    """Keeps deliveries below the rate limit of a target. One token is one delivery.

    Full at first, refilled at a steady rate.
    """

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock.monotonic()

    def wait_s(self, spare: int = 0) -> float:
        """Seconds until a token is available, and as many more as are to be spared, where the bucket holds those."""
        self._fill()
        wanted = min(1 + spare, max(1, self._rate.burst))
        return max(0.0, (wanted - self._tokens) / self._rate.per_s)

    def take(self) -> None:
        """Take a token. The caller has checked that one is available."""
        self._fill()
        self._tokens -= 1.0

    def _fill(self) -> None:
        now = self._clock.monotonic()
        # Slightly more than elapsed: the sum of fractions must not leave a token at 0.999… for ever.
        self._tokens = min(float(self._rate.burst), self._tokens + (now - self._at) * self._rate.per_s + 1e-9)
        self._at = now


class CircuitBreaker:
    """Stops attempts at a target that keeps failing. Closed at first.

    Closed: every attempt is allowed. Open: none is allowed until the next probe. One probe decides: success closes the
    breaker, failure doubles the wait. What has not failed yet is a probe sooner where the fault may be of
    what has. A rate limit (429) does not count as a failure; the notifier handles it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._wait_s = 0.0
        self._probe_at = 0.0
        self._next_at = 0.0
        """Of a probe with what has not failed yet."""

    @property
    def is_open(self) -> bool:
        """Whether the target is only probed."""
        return self._wait_s > 0

    def wait_s(self, *, untried: bool = False) -> float:
        """Seconds until an attempt is allowed, or one with what has not failed yet; 0 when it is allowed now."""
        if not self.is_open:
            return 0.0
        at = min(self._probe_at, self._next_at) if untried else self._probe_at
        return max(0.0, at - self._clock.monotonic())

    def record_failure(self, *, open_now: bool, of_content: bool = False) -> None:
        """Count a failed attempt. ``open_now`` opens the breaker at once, for failures that retries cannot fix;
        ``of_content``: it may be the fault of what was sent."""
        self._failures += 1
        self._next_at = self._clock.monotonic() + PROBE_S if of_content else inf
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

"""Waits between attempts: random, below a bound that doubles with each failure."""

from collections.abc import Callable
from typing import Final

BASE_S: Final = 0.5
CAP_S: Final = 30.0
RECONNECT_S: Final = 1.0
"""Wait before a client connects to Kafka again. It is constant: few processes reconnect to one cluster."""

RandomNumber = Callable[[], float]
"""Returns a number from 0 up to but excluding 1, as ``random.random`` does."""


def delay_s(failures: int, random_number: RandomNumber) -> float:
    """Seconds to wait after this many consecutive failures, 1 or more.

    This is "full jitter": clients that failed together do not return together.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return random_number() * min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 16))

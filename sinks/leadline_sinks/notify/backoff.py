"""How long to wait before the next attempt: at random, within a bound that doubles."""

from collections.abc import Callable
from typing import Final

BASE_S: Final = 0.5
CAP_S: Final = 30.0

Chance = Callable[[], float]
"""A number from 0 up to 1, as ``random.random``."""


def delay_s(failures: int, chance: Chance) -> float:
    """Seconds to wait after this many failures in a row, 1 or more: "full jitter", so that many do not come at once.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return chance() * min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 16))

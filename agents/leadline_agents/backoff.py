"""The wait before the next attempt to connect, to Kafka or to a server."""

import random

FIRST_S = 0.5


def delay_s(failures: int, most_s: float) -> float:
    """Seconds to wait after ``failures`` attempts that failed before this one.

    The wait doubles with each failure, up to ``most_s``, and is shortened at random by up to half, so that agents that
    lost one server do not return to it at the same time.
    """
    return min(most_s, FIRST_S * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311 - jitter, no secret

"""Bucket, breaker and backoff: how fast, whether, and when again."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline_sinks.notify.backoff import BASE_S, CAP_S, delay_s
from leadline_sinks.notify.breaker import FAILURES, MAX_PROBE_S, PROBE_S, Breaker
from leadline_sinks.notify.rate_limit import Bucket
from leadline_sinks.notify.sink import Rate


@given(st.lists(st.floats(0, 20), max_size=60))
def test_a_bucket_never_lets_more_through(pauses: list[float]) -> None:
    """Over any time: at most the burst, and what the rate allows."""
    clock, rate = ManualClock(), Rate(per_s=0.5, burst=3)
    bucket, taken = Bucket(rate, clock), 0
    for pause in pauses:
        clock.advance(pause)
        if bucket.wait_s() == 0:
            bucket.take()
            taken += 1
        assert taken <= rate.burst + clock.monotonic() * rate.per_s + 1e-6


def test_a_bucket_says_how_long() -> None:
    """Waiting as long as it says is enough."""
    clock = ManualClock()
    bucket = Bucket(Rate(per_s=0.3, burst=1), clock)
    for _ in range(50):
        assert bucket.wait_s() == 0
        bucket.take()
        assert bucket.wait_s() > 0
        clock.advance(bucket.wait_s())


def test_a_breaker_opens_after_failures_in_a_row() -> None:
    """A success in between starts the row again."""
    breaker = Breaker(ManualClock())
    for _ in range(FAILURES - 1):
        breaker.failed(at_once=False)
    breaker.worked()
    for _ in range(FAILURES - 1):
        breaker.failed(at_once=False)
        assert not breaker.is_open
        assert breaker.wait_s() == 0
    breaker.failed(at_once=False)
    assert breaker.is_open
    assert breaker.wait_s() == PROBE_S


def test_what_waiting_does_not_mend_opens_it_at_once() -> None:
    """One failure is enough."""
    breaker = Breaker(ManualClock())
    breaker.failed(at_once=True)
    assert breaker.is_open


def test_probes_become_rarer_and_one_that_works_closes_it() -> None:
    """Each failed one doubles the wait, to a bound."""
    clock = ManualClock()
    breaker = Breaker(clock)
    breaker.failed(at_once=True)
    waits = []
    for _ in range(6):
        waits.append(breaker.wait_s())
        clock.advance(breaker.wait_s())
        assert breaker.wait_s() == 0
        breaker.failed(at_once=False)
    assert waits == [30, 60, 120, 240, 300, 300]
    assert waits[-1] == MAX_PROBE_S
    breaker.worked()
    assert (breaker.is_open, breaker.wait_s()) == (False, 0)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff(failures: int, chance: float) -> None:
    """At random, below a bound that doubles and has an end."""
    bound = min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 100))
    assert 0 <= delay_s(failures, lambda: chance) <= bound * chance

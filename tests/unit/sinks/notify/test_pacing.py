"""Token bucket, circuit breaker and backoff."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.clock import ManualClock
from leadline_sinks.notify.pacing import (
    BASE_S,
    CAP_S,
    FAILURES,
    MAX_PROBE_S,
    PROBE_S,
    CircuitBreaker,
    TokenBucket,
    delay_s,
)
from leadline_sinks.notify.sink import Rate


@given(st.lists(st.floats(0, 20), max_size=60))
def test_a_bucket_keeps_the_rate(pauses: list[float]) -> None:
    """In any time, no more than the burst plus the rate passes."""
    clock, rate = ManualClock(), Rate(per_s=0.5, burst=3)
    bucket, taken = TokenBucket(rate, clock), 0
    for pause in pauses:
        clock.advance(pause)
        if bucket.wait_s() == 0:
            bucket.take()
            taken += 1
        assert taken <= rate.burst + clock.monotonic() * rate.per_s + 1e-6


def test_a_bucket_is_never_more_than_full() -> None:
    """After a long pause, no more than the burst passes at once."""
    clock = ManualClock()
    bucket = TokenBucket(Rate(per_s=1.0, burst=3), clock)
    clock.advance(3600)
    for _ in range(3):
        assert bucket.wait_s() == 0
        bucket.take()
    assert bucket.wait_s() > 0


def test_the_wait_of_a_bucket_is_sufficient() -> None:
    """After the wait, a token is available."""
    clock = ManualClock()
    bucket = TokenBucket(Rate(per_s=0.3, burst=1), clock)
    for _ in range(50):
        assert bucket.wait_s() == 0
        bucket.take()
        assert bucket.wait_s() > 0
        clock.advance(bucket.wait_s())


def test_a_breaker_opens_after_consecutive_failures() -> None:
    """A success in between starts the count again."""
    breaker = CircuitBreaker(ManualClock())
    for _ in range(FAILURES - 1):
        breaker.record_failure(open_now=False)
    breaker.record_success()
    for _ in range(FAILURES - 1):
        breaker.record_failure(open_now=False)
        assert not breaker.is_open
        assert breaker.wait_s() == 0
    breaker.record_failure(open_now=False)
    assert breaker.is_open
    assert breaker.wait_s() == PROBE_S


def test_a_permanent_failure_opens_a_breaker_at_once() -> None:
    """One failure is enough."""
    breaker = CircuitBreaker(ManualClock())
    breaker.record_failure(open_now=True)
    assert breaker.is_open


def test_probes_of_a_breaker() -> None:
    """Each failed probe doubles the wait up to a bound; a successful one closes the breaker."""
    clock = ManualClock()
    breaker = CircuitBreaker(clock)
    breaker.record_failure(open_now=True)
    waits = []
    for _ in range(6):
        waits.append(breaker.wait_s())
        clock.advance(breaker.wait_s())
        assert breaker.wait_s() == 0
        breaker.record_failure(open_now=False)
    assert waits == [30, 60, 120, 240, 300, 300]
    assert waits[-1] == MAX_PROBE_S
    breaker.record_success()
    assert (breaker.is_open, breaker.wait_s()) == (False, 0)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff(failures: int, chance: float) -> None:
    """The wait is random, below a bound that doubles up to a limit."""
    bound = min(CAP_S, BASE_S * 2.0 ** min(failures - 1, 100))
    assert 0 <= delay_s(failures, lambda: chance) <= bound * chance

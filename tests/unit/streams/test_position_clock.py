"""Lag on one clock: exact while points are kept, bounded in error when they thin out, zero when idle."""

from hypothesis import given
from hypothesis import strategies as st

from leadline_streams.judge.position_clock import PositionClock


def test_caught_up_is_zero_however_long_the_primary_is_idle() -> None:
    """An idle primary adds no points and no lag."""
    clock = PositionClock()
    for second in range(1000):
        clock.add(float(second), 500)
    assert clock.lag(500) == 0.0
    assert len(clock.times) == 1


def test_after_an_idle_hour_one_write_is_as_old_as_the_last_sample_before_it() -> None:
    """Lag counts from when the position was last current, not from when it was reached."""
    clock = PositionClock()
    for second in range(3600):
        clock.add(float(second), 500)
    clock.add(3600.0, 600)
    assert clock.lag(500) == 1.0
    clock.add(3610.0, 600)
    assert clock.lag(500) == 11.0


def test_between_samples_time_is_shared_out_by_bytes() -> None:
    """Half of the bytes of a second are half a second."""
    clock = PositionClock()
    clock.add(0.0, 0)
    clock.add(1.0, 1000)
    clock.add(2.0, 2000)
    assert clock.lag(1500) == 0.5


def test_a_position_from_before_memory_is_at_least_as_old_as_memory() -> None:
    """The lower bound is what is known."""
    clock = PositionClock()
    clock.add(10.0, 1000)
    clock.add(15.0, 2000)
    assert clock.lag(10) == 5.0


def test_a_log_that_goes_back_starts_anew() -> None:
    """A promotion to a shorter history makes earlier points worthless."""
    clock = PositionClock()
    clock.add(0.0, 1000)
    clock.add(1.0, 2000)
    clock.add(2.0, 1500)
    assert list(clock.positions) == [1500]


def test_nothing_known_is_none() -> None:
    """No points, no number."""
    assert PositionClock().lag(5) is None
    assert PositionClock().rate(60.0) is None


@given(magnitudes=st.binary(min_size=300, max_size=3000), behind_s=st.integers(1, 2500))
def test_memory_is_bounded_and_lag_stays_within_five_percent(magnitudes: bytes, behind_s: int) -> None:
    """After thousands of points the lag of an old position is off by at most its twentieth and a second."""
    clock = PositionClock()
    positions, end = [], 0
    for second, magnitude in enumerate(magnitudes):
        end += 1 << magnitude % 23  # a byte to 4 MB a second
        positions.append(end)
        clock.add(float(second), end)
    assert len(clock.times) <= 257
    behind_s = min(behind_s, len(positions) - 1)
    lag = clock.lag(positions[-1 - behind_s])
    assert lag is not None
    assert abs(lag - behind_s) <= 0.06 * behind_s + 1.0

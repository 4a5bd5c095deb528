"""Both clocks behave alike, and times turn into seconds and back."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from leadline.clock import Clock, ManualClock, SystemClock, epoch, moment
from tests.unit.strategies import moments


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock()], ids=["system", "manual"])
async def test_sleeping_moves_the_clock_on(clock: Clock) -> None:
    """Both readings go forward by at least the time slept, also when that is nothing or less."""
    wall, elapsed = clock.now(), clock.monotonic()
    await clock.sleep(0.002)
    await clock.sleep(-5)
    assert clock.monotonic() - elapsed >= 0.002
    assert clock.now() >= wall
    assert clock.now().tzinfo is UTC


async def test_a_manual_clock_moves_only_by_the_test() -> None:
    """The test sets the time."""
    clock = ManualClock(datetime(2026, 4, 10, tzinfo=UTC))
    assert (clock.now(), clock.monotonic()) == (clock.now(), 0.0)
    clock.advance(1.5)
    await clock.sleep(0.5)
    assert (clock.now(), clock.monotonic()) == (datetime(2026, 4, 10, 0, 0, 2, tzinfo=UTC), 2.0)


@given(moments)
def test_seconds_and_back(time: datetime) -> None:
    """A time of the wire survives the judgement's seconds."""
    assert moment(epoch(time)) == time


def test_epoch_regards_zones() -> None:
    """The same instant in another zone is the same number."""
    time = datetime(2026, 4, 10, 12, tzinfo=UTC)
    assert epoch(time.astimezone(timezone(timedelta(hours=-9)))) == epoch(time)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -float("inf"), 1e18, -1e18])
def test_no_such_time(seconds: float) -> None:
    """Numbers outside the calendar are refused with ValueError alone."""
    with pytest.raises(ValueError, match=r"no such time|NaN"):
        moment(seconds)

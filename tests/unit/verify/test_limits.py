"""A run keeps to its limits, and goes on from where it was."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadline.clock import ManualClock
from leadline.errors import UsageError
from leadline_verify import checkpoint
from leadline_verify.checkpoint import Checkpoint, TableProgress
from leadline_verify.limits import DayWindow, Pace, RunLimits, hours, parse_window, pause_s

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_window_may_pass_midnight() -> None:
    night = parse_window("22:00-06:00")
    assert [night.is_open(NOON.replace(hour=hour)) for hour in (21, 22, 0, 5, 6)] == [False, True, True, True, False]
    assert night.opens_in_s(NOON) == 10 * 3600
    day = parse_window("8:30-9:00")
    assert day.opens_in_s(NOON) == 20.5 * 3600
    assert day.opens_in_s(NOON.replace(hour=8, minute=45)) == 0


@pytest.mark.parametrize("text", ["22-06", "25:00-06:00", "10:00-10:00", ""])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--window"):
        parse_window(text)


def test_rows_per_second() -> None:
    assert pause_s(10_000, 0.5, 10_000) == 0.5
    assert pause_s(10_000, 2, 10_000) == 0
    assert pause_s(10_000, 0, None) == 0


async def test_a_run_waits_for_its_window_and_ends_in_time() -> None:
    clock = ManualClock(NOON)
    pace = Pace(RunLimits(window=parse_window("12:10-13:00"), max_duration_s=900), clock)
    assert await pace.before_chunk() == ""
    assert 600 <= clock.monotonic() < 610
    await pace.after_chunk(10_000)
    clock.advance(300)
    assert await pace.before_chunk() == "--max-duration 900 s is over"


async def test_the_limit_of_rows_is_an_average() -> None:
    clock = ManualClock(NOON)
    pace = Pace(RunLimits(max_rows_per_s=1000), clock)
    for _ in range(10):
        assert await pace.before_chunk() == ""
        clock.advance(0.1)
        await pace.after_chunk(500)
    assert clock.monotonic() == pytest.approx(5)


async def test_a_run_waits_while_a_server_is_busy() -> None:
    clock = ManualClock(NOON)

    async def busy() -> str:
        return "pg-1 is busy" if clock.monotonic() < 30 else ""

    pace = Pace(RunLimits(max_duration_s=100), clock, [free, busy])
    assert await pace.before_chunk() == ""
    assert clock.monotonic() == 30
    ended = Pace(RunLimits(max_duration_s=10), clock, [free, always])
    assert await ended.before_chunk() == "--max-duration 10 s is over; it waited: pg-2 is busy"


async def free() -> str:
    return ""


async def always() -> str:
    return "pg-2 is busy"


async def test_a_long_wait_is_reported_now_and_then() -> None:
    """With its reason: at once, and each half minute."""
    clock = ManualClock(NOON)
    reported: list[float] = []

    async def late() -> str:
        return "pg-4 is late" if clock.monotonic() < 100 else ""

    pace = Pace(RunLimits(), clock, [late], lambda _: reported.append(clock.monotonic()))
    assert await pace.before_chunk() == ""
    assert reported == pytest.approx([0, 30, 60, 90], abs=1)


async def test_a_long_wait_ends_a_run_that_others_wait_for() -> None:
    """With what it waited for; a shorter one does not."""
    clock = ManualClock(NOON)

    async def late() -> str:
        return "pg-4 is late" if clock.monotonic() < 50 else ""

    assert await Pace(RunLimits(max_wait_s=60), clock, [late]).before_chunk() == ""
    assert await Pace(RunLimits(max_wait_s=60), clock, [always]).before_chunk() == "it waited for 60 s: pg-2 is busy"


async def test_a_scheduled_run_ends_with_its_hours() -> None:
    """It does not keep the other links from their turn until the next night."""
    assert hours(0, 24) is None
    night = hours(22, 24)
    assert night is not None
    clock = ManualClock(NOON.replace(hour=23, minute=59))
    pace = Pace(RunLimits(window=night, ends_with_window=True), clock)
    assert await pace.before_chunk() == ""
    clock.advance(60)
    assert await pace.before_chunk() == "its hours are over; they begin again at 22:00 UTC"


def test_a_checkpoint_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "run"
    assert checkpoint.load(file, "a->b") is None
    progress = TableProgress(fingerprint="f", after=("5", "x"), put_off=((None, ("1", "a")),), rows_upstream=7)
    made = Checkpoint(link="a->b", started_at=NOON, tables={"t": progress})
    checkpoint.save(file, made)
    assert checkpoint.load(file, "a->b") == made
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    with pytest.raises(UsageError, match="another pair of databases"):
        checkpoint.load(file, "a->c")
    file.write_text("{}")
    with pytest.raises(UsageError, match="no checkpoint of leadline verify"):
        checkpoint.load(file, "a->b")
    with pytest.raises(UsageError, match="cannot write"):
        checkpoint.save(tmp_path / "none" / "run", made)


def test_the_end_of_a_window_is_not_in_it() -> None:
    assert not DayWindow(NOON.time(), NOON.replace(hour=13).time()).is_open(NOON.replace(hour=13))

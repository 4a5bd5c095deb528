"""The only module that reads a clock. Other code is given the time or a ``Clock``; a test holds this."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """A source of time."""

    def now(self) -> datetime:
        """Wall-clock time in UTC, for records and messages."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start, which never go back: for durations and deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep while other tasks run."""
        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """A clock for tests: only ``advance`` and ``sleep`` move it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """The present time of this clock, in UTC."""
        return datetime.fromtimestamp(self._start.timestamp() + self._elapsed, UTC)

    def monotonic(self) -> float:
        """Seconds since the start of this clock."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._elapsed += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock by ``seconds`` at once, and let other tasks run."""
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


def epoch(moment: datetime) -> float:
    """Seconds since 1970 of an aware datetime."""
    return moment.timestamp()


def moment(seconds: float) -> datetime:
    """The UTC datetime of seconds since 1970, to the millisecond. Raises ValueError when out of range."""
    try:
        return _EPOCH + timedelta(milliseconds=round(seconds * 1000))
    except OverflowError as error:
        raise ValueError(f"no such time: {seconds}") from error

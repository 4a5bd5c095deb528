"""Limits of a run: rows per second, load, the downstream's lag, a window of the day, an end. Only ``Pace`` waits."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple

from leadline.clock import Clock
from leadline.errors import UsageError
from leadline.model import Value

_WINDOW: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})").fullmatch
LOOK_S: Final = 5.0
"""While the window is closed, the time is read as often."""


SAY_S: Final = 30.0
"""The reason for a long wait is reported as often."""
HELD_S: Final = 1.0
"""While a server is busy, or behind, it is looked at as often."""


class DayWindow(NamedTuple):
    """A part of each day in UTC. It may pass midnight."""

    start: time
    end: time

    def is_open(self, now: datetime) -> bool:
        """Whether ``now`` is in it. The end is not."""
        if self.start <= self.end:
            return self.start <= now.time() < self.end
        return now.time() >= self.start or now.time() < self.end

    def opens_in_s(self, now: datetime) -> float:
        """Seconds until it opens; 0 while it is open."""
        if self.is_open(now):
            return 0.0
        start = datetime.combine(now.date(), self.start, now.tzinfo)
        return ((start if start > now else start + timedelta(days=1)) - now).total_seconds()


def parse_window(text: str) -> DayWindow:
    """``22:00-06:00``. Raises UsageError."""
    found = _WINDOW(text.strip())
    try:
        if found is None:
            raise ValueError
        hours = [int(part) for part in found.groups()]
        window = DayWindow(time(hours[0], hours[1]), time(hours[2], hours[3]))
    except ValueError:
        raise UsageError(f"--window: {text!r} is no part of a day; the form is 22:00-06:00, in UTC") from None
    if window.start == window.end:
        raise UsageError(f"--window: {text} is empty; leave it out to run at any time")
    return window


class RunLimits(Value, frozen=True, kw_only=True):
    """The limits of a run."""

    chunk_rows: int = 10_000
    max_rows_per_s: float | None = None
    max_lag_s: float = 30.0
    """The longest wait for the downstream; a range that would need more is put to the end of its table.

    More than ten seconds: the first position of a quiet publisher may come with the subscriber's next status only
    (``wal_receiver_status_interval``; seen with version 14).
    """
    max_duration_s: float | None = None
    max_differences: int = 10_000
    """Of one table; its rest is not compared then."""
    statement_timeout_s: float = 30.0
    max_active: int | None = None
    """The most active sessions of either server; while there are more, the run waits."""
    pause_lag_s: float | None = None
    """The lag of the downstream above which nothing is read."""
    window: DayWindow | None = None
    max_wait_s: float | None = None
    """The longest wait at a stretch for a busy server or a late downstream, after which the run ends."""
    ends_with_window: bool = False
    """Whether the run ends when the window closes; otherwise it waits until that opens again."""


def hours(begin: int, end: int) -> DayWindow | None:
    """From one hour of the day to another, 24 being midnight; None for the whole day."""
    return None if (begin, end) == (0, 24) else DayWindow(time(begin), time(end % 24))


def pause_s(rows: int, took_s: float, max_rows_per_s: float | None) -> float:
    """Seconds to wait after a chunk, so that on average no more rows are read."""
    return 0.0 if max_rows_per_s is None else max(0.0, rows / max_rows_per_s - took_s)


class Pace:
    """Holds a run to its limits."""

    def __init__(
        self,
        limits: RunLimits,
        clock: Clock,
        holds: Sequence[Callable[[], Awaitable[str]]] = (),
        on_wait: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``holds``: each gives a reason to wait, or nothing. ``on_wait``: called with it, again every ``SAY_S``."""
        self.limits = limits
        self._holds, self._on_wait = holds, on_wait
        self._clock = clock
        self._began = clock.monotonic()
        self._chunk_began = self._began

    async def before_chunk(self) -> str:
        """Wait until the next chunk may be read. Returns the reason for which the run ends instead, or nothing."""
        began = self._clock.monotonic()
        reported_at = began - SAY_S
        held = ""
        while not (ends := self._ends(held, self._clock.monotonic() - began)):
            held, pause_s = await self._held()
            if not held:
                break
            if self._clock.monotonic() - reported_at >= SAY_S:
                reported_at = self._clock.monotonic()
                self._on_wait(held)
            await self._clock.sleep(pause_s)
        self._chunk_began = self._clock.monotonic()
        return ends

    def _ends(self, held: str, waited_s: float) -> str:
        """The reason for which the run ends now; ``held``: the one for which it has waited."""
        limits = self.limits
        if held and limits.max_wait_s is not None and waited_s >= limits.max_wait_s:
            return f"it waited for {limits.max_wait_s:g} s: {held}"
        if self._over():
            return f"--max-duration {limits.max_duration_s:g} s is over{f'; it waited: {held}' if held else ''}"
        if limits.window is not None and limits.ends_with_window and not limits.window.is_open(self._clock.now()):
            return f"its hours are over; they begin again at {limits.window.start:%H:%M} UTC"
        return ""

    async def _held(self) -> tuple[str, float]:
        """The reason to wait, and for how many seconds before the next look."""
        window = self.limits.window
        if window is not None and (opens_in_s := window.opens_in_s(self._clock.now())):
            return f"the window opens at {window.start:%H:%M} UTC", min(LOOK_S, opens_in_s)
        for hold in self._holds:
            if reason := await hold():
                return reason, HELD_S
        return "", 0.0

    async def after_chunk(self, rows: int) -> None:
        """Wait as long as the limit of rows per second asks for."""
        took_s = self._clock.monotonic() - self._chunk_began
        if pause := pause_s(rows, took_s, self.limits.max_rows_per_s):
            await self._clock.sleep(pause)

    def _over(self) -> bool:
        limit_s = self.limits.max_duration_s
        return limit_s is not None and self._clock.monotonic() - self._began >= limit_s

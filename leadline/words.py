"""Sizes, durations and trends as text for people."""

from collections.abc import Sequence
from datetime import datetime

_BARS = "▁▂▃▄▅▆▇█"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def size(count: float | None) -> str:
    """Bytes in the unit that leaves one to three digits before the decimal point; ``-`` when unknown."""
    if count is None:
        return "-"
    for unit in _SIZES:
        if abs(count) < 1000 or unit == _SIZES[-1]:
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def amount(count: float | None, unit: str) -> str:
    """So much of an engine's unit: bytes as a size, anything else as a number with its unit; ``-`` when unknown."""
    return size(count) if unit == "bytes" or count is None else f"{count:,.10g} {unit}".rstrip()


def times(count: float) -> str:
    """A number of occurrences: ``once``, ``3 times``."""
    return "once" if count == 1 else f"{count:.0f} times"


def duration(seconds: float | None) -> str:
    """Seconds, then minutes, hours and days; ``-`` when unknown."""
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def roughly(seconds: float) -> str:
    """A time to come, as exact as a forecast is: ``about 4 min``."""
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 90 else f"about {round(seconds / 3600)} h"


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest ``width`` values as bars from zero to the largest."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return _BARS[0] * len(shown)
    return "".join(_BARS[min(7, int(value / top * 7.999))] for value in shown)


def hour(moment: datetime) -> str:
    """Time of day in UTC."""
    return moment.strftime("%H:%M:%S")

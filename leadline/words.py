"""Sizes, durations and trends as text for people."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite

_BARS = "▁▂▃▄▅▆▇█"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_TIMES = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


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
    """Seconds as people write them: ``4.5 s``, ``43 s``, ``2 min 5 s``, ``3 h``; ``-`` when unknown or not finite.

    In at most two units. Below 10 seconds with a tenth; from there on without a fraction, cut off and not rounded.
    """
    if seconds is None or not isfinite(seconds):
        return "-"
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = int(seconds)
    for (unit, size_s), (smaller, smaller_s) in pairwise(_TIMES):
        if whole >= size_s * (2 if unit == "d" else 1):  # up to 48 hours are hours
            many, rest = divmod(whole, size_s)
            return f"{many} {unit} {rest // smaller_s} {smaller}" if rest >= smaller_s else f"{many} {unit}"
    return f"{whole} s"


def roughly(seconds: float) -> str:
    """A time to come, as exact as a forecast is: ``about 4 min``; ``-`` when it is not finite."""
    if not isfinite(seconds):
        return "-"
    if seconds < 60:
        return "less than a minute"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 90 else f"about {round(seconds / 3600)} h"


def sparkline(values: Sequence[float], width: int) -> str:
    """The newest ``width`` values as bars from zero to the largest; those below zero are as zero."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return _BARS[0] * len(shown)
    return "".join(_BARS[max(0, min(7, int(value / top * 7.999)))] for value in shown)


def hour(moment: datetime) -> str:
    """Time of day in UTC."""
    return moment.strftime("%H:%M:%S")

"""A plot of lags as SVG: what is seen without scripts, and what a script replaces with a plot to look into. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from leadline_console.lag_history import SPANS_S, STEP_S, LagHistory, Span

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 160, 52, 18, 8
MOST_LINES: Final = 6
"""Links in one plot, those with the largest lags."""
MOST_POINTS: Final = 150
"""Of one line in the SVG; the JSON has all of them."""
_STEPS: Final = (1, 2, 5)


class PlotLine(msgspec.Struct, frozen=True, kw_only=True):
    """The lags of one link."""

    link: str
    label: str
    at: list[int]
    """Seconds since 1970."""
    lags_s: list[float | None]
    """None where no lag was known."""
    path: str
    """The line in the units of the drawing; broken where nothing is known."""


class LagPlot(msgspec.Struct, frozen=True, kw_only=True):
    """One plot."""

    span: Span
    start: int
    end: int
    top_s: float
    """The upper end of the scale, in seconds."""
    lines: list[PlotLine]
    left_out: int
    """Links beyond those that are drawn."""
    incomplete_before: int | None
    """Seconds since 1970: roll-ups from before were not all read when the console started; None where all were."""


def lag_plot(span: Span, histories: Sequence[tuple[str, str, LagHistory]], now: float, begins: float = 0.0) -> LagPlot:
    """The plot of links, each with its identity and label. ``begins``: from when on all roll-ups were read."""
    end = -(-int(now) // STEP_S[span]) * STEP_S[span]  # a plot without a new point stays the same
    start = end - SPANS_S[span]
    found = []
    for link, label, history in histories:
        points = history.points(span, now)
        if points:
            largest = max((each.lag_s for each in points if each.lag_s == each.lag_s), default=0.0)
            found.append((largest, link, label, points))
    found.sort(key=lambda each: (-each[0], each[1]))
    top = nice(max((each[0] for each in found), default=0.0))
    lines = []
    for _, link, label, points in found[:MOST_LINES]:
        lags = [round(each.lag_s, 3) if each.lag_s == each.lag_s else None for each in points]
        at = [each.at for each in points]
        lines.append(PlotLine(link=link, label=label, at=at, lags_s=lags, path=_path(at, lags, start, span, top)))
    return LagPlot(
        span=span,
        start=start,
        end=end,
        top_s=top,
        lines=lines,
        left_out=max(0, len(found) - MOST_LINES),
        incomplete_before=int(begins) if begins > start else None,
    )


def nice(largest: float) -> float:
    """The next of 1, 2, 5, 10, … seconds that is not below, and at least 1."""
    power = 1.0
    while True:
        for step in _STEPS:
            if step * power >= largest:
                return step * power
        power *= 10


def _path(at: list[int], lags: list[float | None], start: int, span: Span, top: float) -> str:
    """The commands of an SVG path: the largest lag of every few windows; a gap where nothing is known."""
    commands: list[str] = []
    before: int | None = None
    step = -(-len(at) // MOST_POINTS) or 1
    for first in range(0, len(at), step):
        known = [lag for lag in lags[first : first + step] if lag is not None]
        if not known:
            before = None
            continue
        when = at[first]
        x = LEFT + max(0.0, (when - start) / SPANS_S[span]) * (WIDTH - LEFT)
        y = HEIGHT - BOTTOM - min(1.0, max(known) / top) * (HEIGHT - BOTTOM - TOP)
        joined = before is not None and when - before <= (step + 1) * STEP_S[span]
        commands.append(f"{'L' if joined else 'M'}{x:.0f} {y:.1f}" + ("" if joined else "h1"))
        before = when
    return "".join(commands)

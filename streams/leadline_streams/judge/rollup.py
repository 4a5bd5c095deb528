"""Lag of each link over 10 and 60 seconds of event time, for analytics."""

from functools import lru_cache

from leadline.clock import moment
from leadline.model.alert import Verdict
from leadline.model.ids import ClusterName
from leadline.model.lag import LagRollup
from leadline.numbers import within_int64
from leadline_streams.judge.link_state import LinkState, Rollup

BRIEF_S = 10.0
LONG_S = 60.0

_edge = lru_cache(maxsize=16)(moment)
"""Ends of windows, the same for all links."""


def turn(link: LinkState, now: float, cluster: ClusterName, datacenter: str) -> list[LagRollup]:
    """Close the windows that are over and return them. Called before a link is judged, once its brief one is over."""
    brief, long, closed = link.brief, link.long, []
    if brief.samples:
        closed.append(_record(link, brief, BRIEF_S, cluster, datacenter))
        _merge(long, brief)
    if now >= long.until:
        if long.samples:
            closed.append(_record(link, long, LONG_S, cluster, datacenter))
        link.long = Rollup(until=(now // LONG_S + 1) * LONG_S)
    link.brief = Rollup(until=(now // BRIEF_S + 1) * BRIEF_S)
    return closed


def count(link: LinkState) -> None:
    """Count the link as it is now."""
    brief, lag_s, behind, judged = link.brief, link.lag_s, link.lag_units, link.verdict
    brief.samples += 1
    if lag_s is None:
        brief.unknown += 1
    else:
        if lag_s < brief.lag_min:
            brief.lag_min = lag_s
        if lag_s:
            brief.lag_sum += lag_s
            brief.lag_max = max(brief.lag_max, lag_s)
    if behind is not None and behind > brief.units_max:
        brief.units_max = behind
    if judged != brief.verdict:
        brief.note(judged)


def count_caught_up(brief: Rollup, behind: int, judged: Verdict) -> None:
    """Count a link without lag: the same result as ``count``."""
    brief.samples += 1
    if brief.lag_min:
        brief.lag_min = 0.0
    if behind > brief.units_max:
        brief.units_max = behind
    if judged != brief.verdict:
        brief.note(judged)


def _merge(into: Rollup, part: Rollup) -> None:
    into.samples += part.samples
    into.unknown += part.unknown
    into.lag_sum += part.lag_sum
    into.lag_min = min(into.lag_min, part.lag_min)
    into.lag_max = max(into.lag_max, part.lag_max)
    into.units_max = max(into.units_max, part.units_max)
    for verdict, samples in part.counted.items():
        into.note(verdict, samples)


def _record(link: LinkState, rollup: Rollup, span_s: float, cluster: ClusterName, datacenter: str) -> LagRollup:
    """The record of a window. The link is still in the state of the window's last sample."""
    known = rollup.samples - rollup.unknown
    most = within_int64(rollup.units_max) if rollup.units_max >= 0 else None
    last = within_int64(link.lag_units)
    return LagRollup(
        cluster=cluster,
        datacenter=datacenter,
        link=link.id,
        upstream=link.upstream,
        downstream=link.downstream,
        link_kind=link.kind,
        window_s=span_s,
        start=_edge(rollup.until - span_s),
        end=_edge(rollup.until),
        samples=rollup.samples,
        lag_min_s=round(rollup.lag_min, 3) if known else None,
        lag_avg_s=round(rollup.lag_sum / known, 3) if known else None,
        lag_max_s=round(rollup.lag_max, 3) if known else None,
        lag_last_s=round(link.lag_s, 3) if link.lag_s is not None else None,
        bytes_max=most if link.unit == "bytes" else None,
        bytes_last=last if link.unit == "bytes" else None,
        verdict=link.verdict,
        verdicts=rollup.counted,
        unit=link.unit,
        transactions_max=most if link.unit == "transactions" else None,
        transactions_last=last if link.unit == "transactions" else None,
    )

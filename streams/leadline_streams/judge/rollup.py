"""Lag of each link over 10 and 60 seconds of event time, for analytics."""

from typing import TYPE_CHECKING

from leadline.clock import moment
from leadline.model.ids import ClusterName
from leadline.model.lag import LagRollup
from leadline_streams.judge.memory import LinkState, Rollup

if TYPE_CHECKING:
    from leadline_streams.judge.alerting import Output

BRIEF_S = 10.0
LONG_S = 60.0


def fold(link: LinkState, now: float, cluster: ClusterName, datacenter: str, out: "list[Output]") -> None:
    """Count the link as it is now; windows that this closes are added to ``out``."""
    brief = link.brief
    if int(now // BRIEF_S) != brief.index:
        _turn(link, now, cluster, datacenter, out)
        brief = link.brief
    brief.samples += 1
    lag_s = link.lag_s
    if lag_s is not None:
        if not brief.known or lag_s < brief.lag_min:
            brief.lag_min = lag_s
        if lag_s > brief.lag_max:
            brief.lag_max = lag_s
        brief.known += 1
        brief.lag_sum += lag_s
    brief.lag_last = lag_s
    size = link.lag_bytes
    if size is not None and (brief.bytes_max is None or size > brief.bytes_max):
        brief.bytes_max = size
    brief.bytes_last = size
    verdicts = brief.verdicts
    verdicts[link.verdict] = verdicts.get(link.verdict, 0) + 1


def _turn(link: LinkState, now: float, cluster: ClusterName, datacenter: str, out: "list[Output]") -> None:
    """End the windows that are over: the brief one goes into the long one."""
    if link.brief.samples:
        out.append(_record(link, link.brief, BRIEF_S, cluster, datacenter))
        _merge(link.long, link.brief)
    index = int(now // LONG_S)
    if link.long.index != index:
        if link.long.index >= 0 and link.long.samples:
            out.append(_record(link, link.long, LONG_S, cluster, datacenter))
        link.long = Rollup(index=index)
    link.brief = Rollup(index=int(now // BRIEF_S))


def _merge(into: Rollup, part: Rollup) -> None:
    if part.known:
        into.lag_min = min(into.lag_min, part.lag_min) if into.known else part.lag_min
        into.lag_max = max(into.lag_max, part.lag_max)
    into.samples += part.samples
    into.known += part.known
    into.lag_sum += part.lag_sum
    into.lag_last, into.bytes_last = part.lag_last, part.bytes_last
    if part.bytes_max is not None:
        into.bytes_max = max(into.bytes_max or 0, part.bytes_max)
    for verdict, samples in part.verdicts.items():
        into.verdicts[verdict] = into.verdicts.get(verdict, 0) + samples


def _record(link: LinkState, rollup: Rollup, span_s: float, cluster: ClusterName, datacenter: str) -> LagRollup:
    known = rollup.known > 0
    return LagRollup(
        cluster=cluster,
        datacenter=datacenter,
        link=link.id,
        upstream=link.upstream,
        downstream=link.downstream,
        link_kind=link.kind,
        window_s=span_s,
        start=moment(rollup.index * span_s),
        end=moment((rollup.index + 1) * span_s),
        samples=rollup.samples,
        lag_min_s=round(rollup.lag_min, 3) if known else None,
        lag_avg_s=round(rollup.lag_sum / rollup.known, 3) if known else None,
        lag_max_s=round(rollup.lag_max, 3) if known else None,
        lag_last_s=round(rollup.lag_last, 3) if rollup.lag_last is not None else None,
        bytes_max=rollup.bytes_max,
        bytes_last=rollup.bytes_last,
        verdict=link.verdict,
        verdicts=rollup.verdicts,
    )

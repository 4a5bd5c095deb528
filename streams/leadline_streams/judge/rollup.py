"""Lag of each link over 10 and 60 seconds of event time, for analytics."""

from leadline.clock import moment
from leadline.model.ids import ClusterName
from leadline.model.lag import LagRollup
from leadline_streams.judge.memory import LinkState, Rollup

SPANS_S = (10.0, 60.0)


def fold(link: LinkState, now: float, cluster: ClusterName, datacenter: str) -> list[LagRollup]:
    """Count the link as it is now; returns the windows that this closes."""
    closed: list[LagRollup] = []
    brief, long = link.brief, link.long
    if int(now // 10.0) != brief.index:
        closed = close(link, now, cluster, datacenter)
        brief, long = link.brief, link.long
    _count(brief, link)
    _count(long, link)
    return closed


def close(link: LinkState, now: float, cluster: ClusterName, datacenter: str) -> list[LagRollup]:
    """The windows that have ended by ``now``; new ones are begun."""
    closed = []
    for name, rollup, span_s in (("brief", link.brief, SPANS_S[0]), ("long", link.long, SPANS_S[1])):
        index = int(now // span_s)
        if index != rollup.index:
            if rollup.samples:
                closed.append(_record(link, rollup, span_s, cluster, datacenter))
            setattr(link, name, Rollup(index=index))
    return closed


def _count(rollup: Rollup, link: LinkState) -> None:
    rollup.samples += 1
    lag_s = link.lag_s
    if lag_s is not None:
        if not rollup.known or lag_s < rollup.lag_min:
            rollup.lag_min = lag_s
        if lag_s > rollup.lag_max:
            rollup.lag_max = lag_s
        rollup.known += 1
        rollup.lag_sum += lag_s
    rollup.lag_last = lag_s
    size = link.lag_bytes
    if size is not None and (rollup.bytes_max is None or size > rollup.bytes_max):
        rollup.bytes_max = size
    rollup.bytes_last = size
    verdicts = rollup.verdicts
    verdicts[link.verdict] = verdicts.get(link.verdict, 0) + 1


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

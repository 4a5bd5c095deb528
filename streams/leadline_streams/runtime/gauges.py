"""Gauges of a worker's clusters, counted at an interval: counting at every sample would cost too much."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import get_args

from leadline import metrics
from leadline.clock import Clock
from leadline.model.alert import Verdict
from leadline_streams.judge.cluster import ClusterState

EVERY_S = 10.0
"""Prometheus scrapes every 15 s or so; counting 100 000 links takes about 20 ms."""


async def keep(states: Callable[[], Iterable[ClusterState]], clock: Clock) -> None:
    """Count at each interval until cancelled."""
    while True:
        await clock.sleep(EVERY_S)
        count(states())


def count(states: Iterable[ClusterState]) -> None:
    """Set the gauges; move the counts of each state since the last call to the counters."""
    verdicts: Counter[str] = Counter()
    beyond: Counter[str] = Counter()
    incidents = 0
    for state in states:
        incidents += len(state.memory.incidents)
        verdicts.update(link.verdict for link in state.memory.links.values())
        for what, names in state.memory.beyond.items():
            beyond[what] += len(names)
        metrics.STREAM_LATE.inc(state.late)
        metrics.STREAM_DUPLICATES.inc(state.duplicates)
        metrics.STREAM_WITHOUT_BASE.inc(state.looks.without_base)
        state.late = state.duplicates = state.looks.without_base = 0
    metrics.STREAM_INCIDENTS_OPEN.set(incidents)
    for what in ("nodes", "links", "alerts", "incidents"):
        metrics.STREAM_BEYOND_LIMITS.labels(what).set(beyond[what])
    for verdict in get_args(Verdict):
        metrics.STREAM_LINKS.labels(verdict).set(verdicts[verdict])

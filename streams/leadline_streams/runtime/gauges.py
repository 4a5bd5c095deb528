"""Gauges of a worker's clusters, counted at an interval: counting at every sample would cost too much."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import get_args

from leadline import metrics
from leadline.clock import Clock
from leadline.model.alert import Verdict
from leadline.subject_metrics import Kind
from leadline_streams.judge.cluster import ClusterState
from leadline_streams.runtime.subject_rows import SubjectRows

EVERY_S = 10.0
"""Prometheus scrapes every 15 s or so; counting 100 000 links takes about 20 ms."""
VALID_S = 3 * EVERY_S
"""A worker that hangs for longer shows no gauges of links: what they say is no longer seen."""

log = logging.getLogger(__name__)


async def keep(states: Callable[[], Sequence[ClusterState]], lock: asyncio.Lock, clock: Clock, most: int) -> None:
    """Count at each interval until cancelled. ``most``: subjects with gauges of their own, of each kind; 0 for none.

    ``lock`` is held while states change beside the event loop.
    """
    was_left_out: dict[Kind, int] = {}
    while True:
        await clock.sleep(EVERY_S)
        async with lock:
            count(states())
        if not most:
            continue
        left_out = await show(states, lock, clock, most)
        if left_out is not None and any(left_out.values()) and not any(was_left_out.values()):
            words = ", ".join(f"{number} {what}" for what, number in left_out.items() if number)
            log.warning("%s have no gauges of their own: gauges.max_subjects is %d", words, most)
        was_left_out = left_out if left_out is not None else was_left_out


async def show(
    states: Callable[[], Sequence[ClusterState]], lock: asyncio.Lock, clock: Clock, most: int
) -> dict[Kind, int] | None:
    """Replace the gauges of links, nodes and slots; return how many of each are left out.

    None, and no gauges, when clusters went to another worker meanwhile: two would show them.
    """
    rows, held = SubjectRows(clock.now().timestamp(), most), states()
    for state in held:
        async with lock:
            rows.add(state)
        await clock.sleep(0)  # others have a turn; a cluster never changes while it is gathered
    kept = {id(state) for state in states()}
    if any(id(state) not in kept for state in held):
        metrics.SUBJECTS.clear()
        return None
    shown, left_out = rows.taken()
    metrics.SUBJECTS.replace(shown, VALID_S, clock.monotonic)
    for what, number in left_out.items():
        metrics.STREAM_GAUGES_LEFT_OUT.labels(what).set(number)
    return left_out


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

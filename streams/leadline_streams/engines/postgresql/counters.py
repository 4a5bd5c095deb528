"""Counters of conflicts, errors and failures, as counts over a window of event time."""

from collections.abc import Iterator

from leadline.model.observation import Sample
from leadline_streams.judge.counters import Window
from leadline_streams.judge.lookup import first
from leadline_streams.judge.node_state import NodeState

EVENT_WINDOW_S = 300.0
"""Length of the window."""
_SKIPPED = "skipped:"


def rose(before: Sample, sample: Sample) -> bool:
    """Whether any counter of a node may have changed since its last sample."""
    if sample.conflicts != before.conflicts or sample.subscriptions:
        return True
    archiver = sample.archiver
    return archiver is not None and (before.archiver is None or archiver.failed != before.archiver.failed)


def count(node: NodeState, before: Sample | None, sample: Sample, now: float) -> None:
    """Add the counters of a sample to the windows of its node. A window is created when its counter first rises.

    The first sample of a node only sets the base: events before it are not counted.
    """
    windows = dict(node.windows)
    for key, counter in _counters(sample):
        window = windows.get(key)
        if window is not None:
            window.feed(now, counter)
        elif counter:
            base, since = (counter, now) if before is None else (0, 0.0)
            window = windows[key] = Window(EVENT_WINDOW_S, base, since=since)
            window.feed(now, counter)
    for subscription in before.subscriptions if before is not None else ():
        if subscription.skip_lsn is not None:
            after = first(sample.subscriptions, "name", subscription.name)
            if after is not None and after.skip_lsn is None:
                window = windows.setdefault(_SKIPPED + subscription.name, Window(EVENT_WINDOW_S, 0))
                window.feed(now, window.counter + 1)
    if windows:
        node.windows = windows


def skipped(node: NodeState | None, subscription: str) -> float | None:
    """When a subscription last went past a transaction that it was set to skip; None when that was not seen."""
    window = node.windows.get(_SKIPPED + subscription) if node is not None else None
    return window.last_at if window is not None and window.last_at else None


def _counters(sample: Sample) -> Iterator[tuple[str, int]]:
    if sample.conflicts:
        totals: dict[str, int] = {}
        for kinds in sample.conflicts.values():
            for kind, counter in kinds.items():
                totals[kind] = totals.get(kind, 0) + counter
        for kind, counter in totals.items():
            yield f"recovery_conflict:{kind}", counter
    for subscription in sample.subscriptions:
        if subscription.apply_errors:
            yield f"apply_error:{subscription.name}", subscription.apply_errors
        if subscription.sync_errors:
            yield f"sync_error:{subscription.name}", subscription.sync_errors
        for kind, counter in subscription.conflicts.items():
            yield f"apply_conflict:{subscription.name}:{kind}", counter
    if sample.archiver is not None and sample.archiver.failed:
        yield "archive_failure", sample.archiver.failed

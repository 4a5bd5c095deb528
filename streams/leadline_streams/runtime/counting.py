"""Counters of what the records of a chunk led to."""

from datetime import datetime

from leadline import metrics
from leadline.clock import epoch
from leadline.model.alert import Transition
from leadline_streams.judge.status import Forgotten
from leadline_streams.runtime.fold import Folded


def count_folded(folded: Folded, at: datetime) -> None:
    """Count what some records led to, judged at this time."""
    results = {"judged": folded.judged, "known": folded.known, "tick": folded.ticks, "bad": len(folded.rejected)}
    results["unplaced"] = folded.unplaced
    for result, count in results.items():
        if count:
            metrics.STREAM_RECORDS.labels(result).inc(count)
    for bad in folded.rejected:
        metrics.STREAM_DEADLETTERS.labels(bad.reason).inc()
    for _, output in folded.outputs:
        if isinstance(output, Forgotten) and output.retired:
            metrics.STREAM_RETIRED.labels(output.retired).inc()
        if isinstance(output, Transition):
            metrics.STREAM_TRANSITIONS.labels(output.rule, output.to).inc()
    if folded.last is not None:
        metrics.STREAM_DELAY_SECONDS.observe(max(0.0, epoch(at) - epoch(folded.last.sent_at)))

"""The incident that is delivered next: what notifies people comes before edits that notify nobody."""

from collections.abc import Sequence
from math import inf

from leadline_sinks.notify.attempts import Attempts
from leadline_sinks.notify.tracked_incident import TrackedIncident


def next_delivery(
    due: Sequence[TrackedIncident], attempts: Attempts, now: float
) -> tuple[TrackedIncident | None, float]:
    """The most urgent incident that may be tried now; without one, the seconds until one may be.

    ``now`` is of the monotonic clock.
    """
    news = [tracked for tracked in due if not tracked.is_edit]
    untried = any(not tracked.failures for tracked in news)
    chosen, wait_s = _turn(news, attempts.wait_s(untried=untried), now, probed=attempts.are_probes)
    if chosen is not None:
        return chosen, wait_s
    edit, edit_wait_s = _turn([tracked for tracked in due if tracked.is_edit], attempts.edit_wait_s(), now, probed=True)
    return edit, min(wait_s, edit_wait_s)


def _turn(
    due: Sequence[TrackedIncident], wait_s: float, now: float, *, probed: bool
) -> tuple[TrackedIncident | None, float]:
    """``probed``: those that failed most often come last, since the fault may be of them."""
    ready = [tracked for tracked in due if tracked.not_before <= now]
    if ready and wait_s <= 0:
        return min(ready, key=lambda each: (each.failures if probed else 0, each.urgency)), 0.0
    return None, max(wait_s, min((tracked.not_before for tracked in due), default=inf) - now)

"""The sections of a post-mortem about what happened when: the timeline, detection, and who was notified."""

from collections.abc import Iterator
from typing import Final

from leadline.model.delivery import EDITS
from leadline.words import duration
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.incident_log.markdown import table, text
from leadline_sinks.incident_log.phrases import NOT_YET, second
from leadline_sinks.incident_log.postmortem.roots import ranked_first, to_cause_s

_SOURCES: Final = {"judgement": "Leadline", "delivery": "sink", "person": "people"}


def timeline(history: IncidentHistory) -> Iterator[str]:
    """The section with every event."""
    yield "## Timeline (UTC)"
    yield ""
    started = [(second(history.incident.opened_at), "the first breach began", "Leadline")]
    rows = [(second(each.at), text(each.what, 1000), _SOURCES[each.origin]) for each in history.timeline()]
    yield from table(("Time", "Event", "Source"), sorted([*started, *rows], key=lambda row: row[0]))
    yield ""
    yield "*Add what people did in between: what was checked, what was ruled out, who was called.*"


def response(history: IncidentHistory) -> Iterator[str]:
    """The section with the times from the first breach to the end, and the notifications."""
    incident, times, acknowledged = history.incident, history.times, history.acknowledged
    by = f" by {text(acknowledged.by)}" if acknowledged else ""
    acknowledged_at = acknowledged.at if acknowledged else None
    steps = (
        ("First breach", incident.opened_at, None, "-"),
        ("Detected", incident.detected_at, times.to_detect_s, "the first breach"),
        ("Cause identified", ranked_first(history).cause_at, to_cause_s(history), "the first breach"),
        ("First notification", history.notified_at, times.to_notify_s, "detection"),
        (f"Acknowledged{by}", acknowledged_at, times.to_acknowledge_s, "the first notification"),
        ("Resolved", incident.resolved_at, times.to_resolve_s, "the first breach"),
    )
    yield "## Detection and response"
    yield ""
    yield from table(
        ("Step", "At (UTC)", "Took", "Counted from"),
        ((step, second(at) if at else NOT_YET, duration(took), since) for step, at, took, since in steps),
    )
    yield ""
    if not history.deliveries:
        yield "The incident log has no delivery: Leadline notified nobody."
        return
    yield from table(
        ("Target", "First notified (UTC)", "Last notified (UTC)", "Notifications", "Not delivered"),
        _deliveries(history),
    )


def _deliveries(history: IncidentHistory) -> Iterator[tuple[str, ...]]:
    for target in sorted({each.target for each in history.deliveries}):
        mine = [each for each in history.deliveries if each.target == target]
        notifications = [each for each in mine if each.occasion not in EDITS]
        sent = sorted(each.at for each in notifications if each.outcome in ("sent", "partial"))
        whole = sum(each.outcome == "sent" for each in notifications)
        missed = [
            f"{each.outcome.replace('_', ' ')} ({text(each.reason)})" if each.reason else each.outcome.replace("_", " ")
            for each in mine
            if each.outcome in ("suppressed", "given_up")
        ]
        ends = (second(sent[0]), second(sent[-1])) if sent else ("never", "never")
        yield text(target), *ends, str(whole), ", ".join(dict.fromkeys(missed)) or "-"

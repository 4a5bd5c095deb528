"""The root causes of an incident: its first cause, and those that explain alerts which no surer one does. Pure."""

from typing import Final

from leadline.catalogue import CAUSES
from leadline.model.incident import Cause, Incident
from leadline_sinks.incident_log.incident_history import IncidentHistory

CERTAIN: Final = 0.9
"""Confidence from which a cause that was ranked first before stays in front of what followed from it."""
LIKELY: Final = 0.5
"""Confidence from which a cause that is not ranked first may be a root of its own."""
CHANGE: Final = "config_changed"
"""A changed setting is listed with its values, and is no root beside what it brought about."""


def roots(history: IncidentHistory) -> list[Cause]:
    """The root causes, the first one in front; none where none was named.

    A cause that explains nothing else than those before it is another explanation, or what healing looks like.
    """
    found: list[Cause] = []
    left = set(history.incident.rules)
    for cause in history.causes:
        explains = CAUSES[cause.code].explains if cause.code in CAUSES else frozenset()
        own = cause.confidence >= LIKELY and cause.code != CHANGE and not left.isdisjoint(explains)
        if not found or own:
            found.append(cause)
            left -= explains
    return sorted(found, key=lambda cause: _ranked_first_at(history, cause))


def ranked_first(history: IncidentHistory) -> Incident:
    """The first record with the first root in front; the latest where none had it."""
    found = roots(history)
    records = (*history.earlier, history.incident)
    return next((each for each in records if found and _names(each, found[0])), history.incident)


def to_cause_s(history: IncidentHistory) -> float | None:
    """Seconds from the first breach until the first root was identified; None where none was."""
    at = ranked_first(history).cause_at
    return (at - history.incident.opened_at).total_seconds() if at is not None else None


def _ranked_first_at(history: IncidentHistory, cause: Cause) -> int:
    """Number of the first record that had a certain cause in front: what began it, then what followed from that."""
    records = (*history.earlier, history.incident)
    numbers = (number for number, each in enumerate(records) if _names(each, cause))
    return next(numbers, len(records)) if cause.confidence >= CERTAIN else len(records)


def _names(record: Incident, cause: Cause) -> bool:
    first = record.causes[0] if record.causes else None
    return first is not None and (first.code, first.subject.id) == (cause.code, cause.subject.id)


def others(history: IncidentHistory) -> list[Cause]:
    """The causes that were considered besides."""
    own = roots(history)
    return [cause for cause in history.causes if cause not in own]

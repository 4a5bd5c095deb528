"""The root causes of an incident: its first cause, and those that explain alerts which no surer one does. Pure."""

from typing import Final

from leadline.catalogue import CAUSES
from leadline.model.incident import Cause
from leadline_sinks.incident_log.incident_history import IncidentHistory

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
    return found


def others(history: IncidentHistory) -> list[Cause]:
    """The causes that were considered besides."""
    own = roots(history)
    return [cause for cause in history.causes if cause not in own]

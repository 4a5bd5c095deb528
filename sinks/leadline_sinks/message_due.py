"""Whether an occasion is worth a message, at targets whose messages cannot be edited. Pure."""

import hashlib
from typing import Final

from leadline.model.delivery import Occasion
from leadline.model.incident import Incident
from leadline_sinks.notify.sink import Notification

QUIET: Final = frozenset[Occasion]({"updated", "kept_open"})
"""Occasions that are no message of their own, unless severity or first cause differ from those in the last message."""


def is_due(notification: Notification, sent: str) -> bool:
    """Whether to send a message. ``sent`` is the ``content`` of the incident as of the last one; empty without one."""
    return not sent or notification.occasion not in QUIET or content(notification.incident) != sent


def content(incident: Incident) -> str:
    """A hash of what is worth a message of its own when it changes: severity and first cause."""
    first = incident.causes[0] if incident.causes else None
    about: tuple[str, ...] = (first.code, first.subject.id) if first is not None else ()
    if incident.announcement is not None:
        about = (incident.title,)
    text = "\0".join((incident.severity, *about))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

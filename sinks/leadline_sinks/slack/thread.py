"""A notification as a reply in the thread of its message: one line for each event, with its time in UTC."""

from datetime import UTC, datetime
from typing import Final

from leadline.model.action import Action
from leadline.model.delivery import Occasion
from leadline.model.incident import TimelineEntry
from leadline.words import duration
from leadline_sinks.notify.sink import Notification
from leadline_sinks.slack import limits
from leadline_sinks.slack.render import lasted
from leadline_sinks.slack.text import name, prose

BROADCAST: Final = frozenset[Occasion]({"escalated", "repeated"})
"""Occasions whose reply is shown in the channel, too."""
_CUT: Final = 2800
"""Characters of a reply, which is one section."""


def reply(notification: Notification, now: datetime) -> str | None:
    """The text of the reply; None when there is nothing new."""
    events = sorted(_events(notification), key=lambda event: event.at)
    head = _head(notification, now)
    lines = [_line(event) for event in events[-limits.LINES :]]
    while sum(len(line) + 1 for line in lines) > _CUT:
        lines = lines[1:]
    earlier = len(events) - len(lines)
    text = [*([head] if head else []), *([f"… {earlier} earlier"] if earlier else []), *lines]
    return "\n".join(text) or None


def _head(notification: Notification, now: datetime) -> str | None:
    incident = notification.incident
    match notification.occasion:
        case "escalated":
            return f"*Escalated to {incident.severity}*: {prose(incident.title, limits.REPLY)}"
        case "repeated":
            by = incident.acknowledged_by
            acknowledged = f"acknowledged by {name(by)}" if by else "not acknowledged"
            since = duration(max(0.0, (now - incident.opened_at).total_seconds()))
            return f"*Still open* after {since}, {acknowledged}: {prose(incident.title, limits.REPLY)}"
        case "resolved":
            return f"*Resolved* after {lasted(incident)}" if lasted(incident) else "*Resolved*"
    return None


def _events(notification: Notification) -> list[TimelineEntry | Action]:
    # The head says that it is resolved, and after how long.
    resolved = notification.occasion == "resolved"
    news = [entry for entry in notification.news if not (resolved and entry.what == "resolved")]
    return [*news, *notification.actions]


def _line(event: TimelineEntry | Action) -> str:
    if isinstance(event, TimelineEntry):
        return f"{_time(event.at)}  {prose(event.what, limits.REPLY)}"
    verb = "acknowledged" if event.kind == "acknowledge" else "noted"
    text = f": {prose(event.text, limits.REPLY)}" if event.text else ""
    return f"{_time(event.at)}  {name(event.by)} {verb}{text}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")

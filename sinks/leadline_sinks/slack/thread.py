"""The life of an incident as lines in the thread of its message, each with its time in UTC."""

from datetime import UTC, datetime
from typing import Final

from leadline.model.action import Action
from leadline.model.delivery import Occasion
from leadline.model.incident import TimelineEntry
from leadline.words import duration
from leadline_sinks.notify.sink import Notice
from leadline_sinks.slack import limits
from leadline_sinks.slack.render import lasted
from leadline_sinks.slack.text import name, prose

BROADCAST: Final = frozenset[Occasion]({"escalated", "repeated"})
"""Occasions that the channel hears of too, not only who follows the thread."""
_CUT: Final = 2800
"""A reply is one paragraph."""


def reply(notice: Notice, now: datetime) -> str | None:
    """What to say in the thread; None when there is nothing new."""
    happened = sorted(_happened(notice), key=lambda step: step.at)
    head = _head(notice, now)
    lines = [_line(step) for step in happened[-limits.LINES :]]
    while sum(len(line) + 1 for line in lines) > _CUT:
        lines = lines[1:]
    earlier = len(happened) - len(lines)
    said = [*([head] if head else []), *([f"… {earlier} earlier"] if earlier else []), *lines]
    return "\n".join(said) or None


def _head(notice: Notice, now: datetime) -> str | None:
    incident = notice.incident
    match notice.occasion:
        case "escalated":
            return f"*Now {incident.severity}*: {prose(incident.title, limits.REPLY)}"
        case "repeated":
            taken = f"taken by {name(incident.acknowledged_by)}" if incident.acknowledged_by else "nobody has taken it"
            since = duration(max(0.0, (now - incident.opened_at).total_seconds()))
            return f"*Still open* after {since}, {taken}: {prose(incident.title, limits.REPLY)}"
        case "resolved":
            return f"*Resolved* after {lasted(incident)}" if lasted(incident) else "*Resolved*"
    return None


def _happened(notice: Notice) -> list[TimelineEntry | Action]:
    # That it is over is in the head, with how long it took.
    over = notice.occasion == "resolved"
    return [*(entry for entry in notice.news if not (over and entry.what == "resolved")), *notice.actions]


def _line(step: TimelineEntry | Action) -> str:
    if isinstance(step, TimelineEntry):
        return f"{_time(step.at)}  {prose(step.what, limits.REPLY)}"
    did = "has taken it" if step.kind == "acknowledge" else "notes"
    said = f": {prose(step.text, limits.REPLY)}" if step.text else ""
    return f"{_time(step.at)}  {name(step.by)} {did}{said}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")

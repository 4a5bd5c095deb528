"""A notification as a reply in the thread of its message: one line for each event, with its time in UTC."""

from datetime import UTC, datetime
from typing import Final

from leadline import silence_words
from leadline.headline import away_s, can_return, ended_by, impact
from leadline.model.action import Action
from leadline.model.delivery import EDITS, Occasion
from leadline.model.incident import TimelineEntry
from leadline.silence_words import END
from leadline.words import duration
from leadline_sinks.notify.shown_silence import mark, was_of_one
from leadline_sinks.notify.sink import Notification
from leadline_sinks.slack import limits
from leadline_sinks.slack.render import lasted, silenced
from leadline_sinks.slack.steps import withdrawn
from leadline_sinks.slack.text import name, prose

BROADCAST: Final = frozenset[Occasion]({"escalated", "cause_changed", "reopened", "repeated", "recurrence"})
"""Occasions whose reply is shown in the channel, too."""
_CUT: Final = 2800
"""Characters of a reply, which is one section."""


def is_broadcast(notification: Notification) -> bool:
    """Whether the reply is shown in the channel, too: an edited message notifies nobody."""
    ends = notification.incident.announcement is not None and notification.occasion == "resolved"
    return ends or notification.occasion in BROADCAST


def reply(notification: Notification, now: datetime) -> str | None:
    """The text of the reply; None when there is nothing new."""
    if notification.occasion in EDITS:
        return _silence(notification)
    events = sorted(_events(notification), key=lambda event: event.at)
    first = head(notification, now)
    lines = [_line(event) for event in events[-limits.LINES :]]
    while sum(len(line) + 1 for line in lines) > _CUT:
        lines = lines[1:]
    earlier = len(events) - len(lines)
    heads = [first, withdrawn(notification.withdrawn) if notification.occasion != "withdrawn" else None]
    text = [*filter(None, heads), *([f"… {earlier} earlier"] if earlier else []), *lines]
    return "\n".join(text) or None


def _silence(notification: Notification) -> str | None:
    """The silence of this incident alone; of others, the announcement has it."""
    silence, incident = notification.silence, notification.incident
    if not was_of_one(mark(silence) or notification.showed):
        return None
    if silence is None:
        by = f"acknowledged by {name(incident.acknowledged_by)}" if incident.acknowledged_by else "not acknowledged"
        return f"*No longer silenced*: it is still open, {by}"
    return f"{silenced(silence)}\nEnd it before its time: {name(f'{END} {silence.silence_id}', limits.VALUE)}"


def head(notification: Notification, now: datetime) -> str | None:
    """The first line of the reply; None for occasions that have none."""
    incident = notification.incident
    if incident.announcement is not None:
        first = silence_words.occasion(notification.occasion, over=incident.state == "resolved")
        return f"*{first}*: {prose(incident.title, limits.REPLY)}"
    title = prose(incident.title, limits.REPLY)
    bad = f"; {prose(impact(incident), limits.REPLY)}" if impact(incident) else ""
    match notification.occasion:
        case "escalated":
            return f"*Escalated to {incident.severity}*: {title}{bad}{_lapsed(notification)}"
        case "cause_changed":
            return f"*Another cause is ranked first*: {title}{bad}{_lapsed(notification)}"
        case "reopened":
            away = away_s(incident)
            after = f" after {duration(away)}" if away is not None else ""
            return f"*Returned{after}*: {title}{bad}{_lapsed(notification)}"
        case "withdrawn":
            return withdrawn(notification.withdrawn)
        case "repeated":
            since = duration(max(0.0, (now - incident.opened_at).total_seconds()))
            by = f"acknowledged by {name(incident.acknowledged_by)}" if incident.acknowledged_by else "not acknowledged"
            return f"*Still open* after {since}, {by}: {title}{bad}"
        case "recurrence":
            return f"*Can return*: {prose(can_return(incident), limits.REPLY)}"
        case "merged" if incident.merged_into is not None:
            return f"*Merged* into {name(incident.merged_into)}: both are one problem. Follow that one"
        case "resolved":
            why = ended_by(incident)
            after = f" after {lasted(incident)}" if lasted(incident) else ""
            return f"*Resolved*{after}{': ' + prose(why, limits.REPLY) if why else ''}"
    return None


def _lapsed(notification: Notification) -> str:
    by = notification.lapsed_by
    return f". The acknowledgement by {name(by)} was for what was known before" if by else ""


def _events(notification: Notification) -> list[TimelineEntry | Action]:
    if notification.incident.announcement is not None:
        return [*notification.actions]
    # The first line says that it is resolved, after how long, and why.
    over = notification.occasion in ("resolved", "merged")
    news = [entry for entry in notification.news if not (over and entry.what.partition(":")[0] == "resolved")]
    return [*news, *notification.actions]


def _line(event: TimelineEntry | Action) -> str:
    if isinstance(event, TimelineEntry):
        return f"{_time(event.at)}  {prose(event.what, limits.REPLY)}"
    verb = "acknowledged" if event.kind == "acknowledge" else "noted"
    text = f": {prose(event.text, limits.REPLY)}" if event.text else ""
    return f"{_time(event.at)}  {name(event.by)} {verb}{text}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")

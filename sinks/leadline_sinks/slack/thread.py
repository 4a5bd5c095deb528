"""The life of an incident as lines in the thread of its message, each with its time in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from leadline.model.delivery import Occasion
from leadline.view.words import duration
from leadline_sinks.contract import Notice
from leadline_sinks.slack import limits
from leadline_sinks.slack.render import lasted
from leadline_sinks.slack.text import name, prose

BROADCAST: Final = frozenset[Occasion]({"escalated", "repeated"})
"""Occasions that the channel hears of too, not only who follows the thread."""
_CUT: Final = 2800
"""A reply is one paragraph."""


def reply(notice: Notice, now: datetime) -> str | None:
    """What to say in the thread; None when there is nothing new."""
    lines = [line for _, line in sorted(_lines(notice), key=lambda pair: pair[0])]
    head = _head(notice, now)
    older = len(lines) - limits.LINES
    if older > 0:
        lines = [f"… {older} earlier", *lines[older:]]
    while lines and sum(len(line) + 1 for line in lines) > _CUT:
        lines = lines[1:]
    said = "\n".join([*([head] if head else []), *lines])
    return said or None


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


def _lines(notice: Notice) -> Iterator[tuple[datetime, str]]:
    for entry in notice.news:
        if notice.occasion == "resolved" and entry.what == "resolved":
            continue  # the head says it, and how long it took
        yield entry.at, f"{_time(entry.at)}  {prose(entry.what, limits.REPLY)}"
    for action in notice.actions:
        did = "has taken it" if action.kind == "acknowledge" else "notes"
        said = f": {prose(action.text, limits.REPLY)}" if action.text else ""
        yield action.at, f"{_time(action.at)}  {name(action.by)} {did}{said}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")

"""An incident as parts of a message in plain text: headings with lines, of which some are code. Pure.

For sinks whose markup is simple: e-mail, Teams, templates. Every text is on one line and printable; it is not escaped
for any markup.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from leadline import runbooks, silence_words
from leadline.evidence_words import shown
from leadline.headline import away_s, can_return, ended_by, first_line, last_change
from leadline.logs import escape
from leadline.model.action import Action
from leadline.model.alert import Evidence
from leadline.model.announcement import Announcement
from leadline.model.incident import SIGNS, Cause, Incident, TimelineEntry
from leadline.setting_words import move
from leadline.settings.routing import NotifySettings
from leadline.steps import grouped
from leadline.words import duration
from leadline_sinks.console_links import console_links
from leadline_sinks.notify.sink import Notification
from leadline_sinks.runbook import runbook_url

MAX_LINE: Final = 600
"""Characters of a line that is not code. Code is whole, or replaced by a sentence (``steps.MAX_STATEMENT``)."""
MAX_EVENTS: Final = 20
"""Events of the timeline, the newest."""
MAX_EVIDENCE: Final = 6
"""Of each kind of evidence."""
MAX_CHANGES: Final = 5
MAX_STEPS: Final = 20
_VERY_LIKELY: Final = 0.9
_LIKELY: Final = 0.6
"""Confidences from which a cause is called very likely or likely."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a part."""

    text: str
    code: bool = False
    """Whether it is a statement or command, to be copied as it is."""
    title: str = ""
    """Of a line that is an address, where it leads."""


@dataclass(frozen=True, slots=True)
class MessagePart:
    """A heading and its lines."""

    heading: str
    lines: tuple[Line, ...]


def lead(notification: Notification, now: datetime) -> str:
    """The first line: the reason for the message, then the problem, how bad it is and since when, or how it ended."""
    return escape(f"{_occasion(notification, now)}: {first_line(notification.incident)}", MAX_LINE)


def parts(notification: Notification, notify: NotifySettings) -> list[MessagePart]:
    """The parts below the first line, in the order in which somebody on call needs them."""
    return [part for part in _parts(notification, notify) if part.lines]


def status(incident: Incident) -> str:
    """Severity, place, and who has acknowledged, in one line."""
    if incident.announcement is not None:
        if incident.resolved_at is None:
            return silence_words.NOTE
        return f"from {silence_words.until(incident.opened_at)} to {silence_words.until(incident.resolved_at)}"
    where = ", ".join(place for place in incident.datacenters if place)
    by = incident.acknowledged_by
    known = f"acknowledged by {by}" if by else "not acknowledged" if incident.state == "open" else ""
    silenced = "silenced" if incident.silenced_by else ""
    shown = (incident.severity, f"in {where}" if where else "", incident.state, known, silenced)
    return escape(" · ".join(text for text in shown if text), MAX_LINE)


def confidence(cause: Cause) -> str:
    """The confidence of a cause in words and percent; ``unknown`` while none is identified."""
    if cause.code == "unknown":
        return "unknown"
    share = min(1.0, max(0.0, cause.confidence))
    word = "very likely" if share >= _VERY_LIKELY else "likely" if share >= _LIKELY else "possible"
    return f"{word}, {share:.0%}"


def _occasion(notification: Notification, now: datetime) -> str:
    incident = notification.incident
    if incident.announcement is not None:
        return silence_words.occasion(notification.occasion, over=incident.state == "resolved")
    match notification.occasion:
        case "escalated":
            return f"Escalated to {incident.severity}{_lapsed(notification)}"
        case "cause_changed":
            return f"Another cause is ranked first{_lapsed(notification)}"
        case "reopened":
            away = away_s(incident)
            return f"Returned{f' after {duration(away)}' if away is not None else ''}{_lapsed(notification)}"
        case "withdrawn":
            return "A step is withdrawn, do not do it"
        case "acknowledged" | "noted" if notification.actions:
            return _did(notification.actions[-1])
        case "repeated" | "kept_open":
            since = duration(max(0.0, (now - incident.opened_at).total_seconds()))
            by = incident.acknowledged_by
            return f"Still open after {since}, {f'acknowledged by {by}' if by else 'not acknowledged'}"
        case "recurrence":
            return "Can return"
    if incident.state == "resolved":
        return "MERGED" if incident.merged_into is not None else "RESOLVED"
    return incident.severity.upper()


def _lapsed(notification: Notification) -> str:
    by = notification.lapsed_by
    return f" (the acknowledgement by {by} was for what was known before)" if by else ""


def _parts(notification: Notification, notify: NotifySettings) -> Iterator[MessagePart]:
    incident = notification.incident
    if incident.announcement is not None:
        yield from _announced(incident, incident.announcement)
        yield MessagePart("Console", tuple(_console(incident, notify)))
        return
    yield _part("Withdrawn, do not do this", notification.withdrawn)
    yield _part("Can return", [can_return(incident)])
    yield _part("Ended", [ended_by(incident)])
    yield _part("Last change before the end", [last_change(incident)])
    for cause in incident.causes[:1]:
        gone = "".join(f", {fact.value}" for fact in cause.not_seen if fact.name == SIGNS)
        yield _part(f"Cause ({confidence(cause)}{gone})", [cause.summary])
        if incident.state == "open":
            yield MessagePart("Do this", tuple(_fix(cause)))
        yield _part("Evidence", list(_evidence(cause)))
    if incident.state == "open":
        yield _part("Other possible causes", [f"{each.summary} ({confidence(each)})" for each in incident.causes[1:3]])
    changes = [f"{each.setting} on {each.node}: {move(each)}, {_time(each.at)}" for each in incident.changes]
    yield _part("Settings changed", changes[-MAX_CHANGES:])
    yield _part("What happened", list(_events(incident.timeline, notification.actions)))
    yield MessagePart("Console", tuple(_console(incident, notify)))
    yield MessagePart("Runbook", tuple(_runbook(incident, notify)))
    if incident.state == "open" and incident.acknowledged_by is None:
        command = escape(f"{notify.acknowledge} {incident.incident_id}", MAX_LINE)
        yield MessagePart("Acknowledge", (Line(command, code=True),))


def _announced(incident: Incident, about: Announcement) -> Iterator[MessagePart]:
    """The silences; while they hold, how to end them, and once they are over, what they held back."""
    over = incident.state == "resolved"
    if over:
        yield _part("Still goes on, and is sent from now on", list(silence_words.went_on(about)))
        yield _part("Was held back, and is over", list(silence_words.ended(about)))
    yield _part(
        "Held back notifications of" if over else "Holds back notifications of", list(silence_words.lines(about))
    )
    if not over:
        command = [Line(escape(text, MAX_LINE), code=True) for text in silence_words.commands(about)]
        yield MessagePart("End it before its time", tuple(command))


def _part(heading: str, texts: Sequence[str]) -> MessagePart:
    return MessagePart(escape(heading, 200), tuple(Line(escape(text, MAX_LINE)) for text in texts if text))


def _fix(cause: Cause) -> Iterator[Line]:
    """The steps, each below its server and after its warning, as ``steps.fix_lines`` orders them."""
    if not cause.steps and cause.fix:
        yield Line(escape(cause.fix))
    place = ""
    for group in grouped(cause.steps[:MAX_STEPS]):
        if group.place and group.place != place:
            yield Line(escape(f"On {group.place}:", MAX_LINE))
        place = group.place
        if group.warning:
            yield Line(group.warning)
        yield from (Line(escape(line), code=group.statements) for line in group.lines)
    if len(cause.steps) > MAX_STEPS:
        yield Line(f"… {len(cause.steps) - MAX_STEPS} more; see `leadline incidents show`")


def _evidence(cause: Cause) -> Iterator[str]:
    kinds: Sequence[tuple[str, Sequence[Evidence]]] = (
        ("", cause.evidence_for),
        ("against: ", cause.evidence_against),
        ("not seen: ", cause.not_seen),
    )
    for word, facts in kinds:
        for fact in facts[:MAX_EVIDENCE]:
            where = f" on {fact.node}" if fact.node else ""
            yield f"{word}{fact.name}{where} = {shown(fact)}{f', {fact.note}' if fact.note else ''}"


def _events(timeline: Sequence[TimelineEntry], actions: Sequence[Action]) -> Iterator[str]:
    events = [(entry.at, entry.what) for entry in timeline] + [(action.at, _did(action)) for action in actions]
    if len(events) > MAX_EVENTS:
        yield f"… {len(events) - MAX_EVENTS} earlier"
    for at, what in sorted(events, key=lambda event: event[0])[-MAX_EVENTS:]:
        yield f"{_time(at)}  {what}"


def _did(action: Action) -> str:
    verb = "Acknowledged" if action.kind == "acknowledge" else "Note"
    return f"{verb} by {action.by}{f': {action.text}' if action.text else ''}"


def _console(incident: Incident, notify: NotifySettings) -> Iterator[Line]:
    for each in console_links(incident, notify):
        if len(each.url) <= MAX_LINE:
            yield Line(each.url, title=each.title)


def _runbook(incident: Incident, notify: NotifySettings) -> Iterator[Line]:
    links = [url for rule in incident.rules[:3] if (url := runbook_url(rule, notify)) and len(url) <= MAX_LINE]
    if links:
        yield from (Line(url, title="Runbook") for url in links)
    elif command := runbooks.command(incident):
        yield Line(escape(command, MAX_LINE), code=True)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC").rjust(23, "0")

"""A notice as a message: what broke where, why, and what to type; then what it rests on.

The order is that of somebody woken by it: title, cause, fix, evidence. The same incident always gives the same message.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from leadline.model.incident import Cause, Change, Incident
from leadline.settings.sink import NotifySettings
from leadline.words import duration
from leadline_sinks.runbook import address
from leadline_sinks.slack import limits
from leadline_sinks.slack.blocks import Block, context, fields, header, section
from leadline_sinks.slack.steps import fix
from leadline_sinks.slack.text import clean, date, joined, label, literal, name, prose, struck

_SIGNS: Final = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
"""Colour for the eye; the word beside it says the same."""
_MAX_EVIDENCE: Final = 6
_ACRONYM: Final = 3
"""Letters of WAL, LSN, TCP; longer words in capitals are keywords of SQL."""
_MAX_OTHERS: Final = 2
_MAX_CHANGES: Final = 5
_MAX_RUNBOOKS: Final = 4
_IN_LINKS: Final = ":/@-._~%[]!$'()*+,;="
"""What stays as it is in an address."""
_SURE: Final = 0.9
_LIKELY: Final = 0.6


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is what telephones show, without markup; without blocks it is the whole message, with."""

    text: str
    blocks: tuple[Block, ...] = ()


def full(incident: Incident, notify: NotifySettings) -> Message:
    """The whole message."""
    return Message(fallback(incident), tuple(_full(incident, notify)))


def compact(incident: Incident, notify: NotifySettings) -> Message:
    """The title, the cause and the fix."""
    return Message(fallback(incident), tuple(_compact(incident, notify)))


def plain(incident: Incident) -> Message:
    """Everything needed, without a block: the last thing to try."""
    lines = [prose(_title(incident), limits.TITLE)]
    for cause in incident.causes[:1]:
        lines += [f"*Cause*: {prose(cause.summary, limits.PLAIN)}"]
        lines += [f"*Do this*: {fix(cause, limits.PLAIN)}"] if incident.state == "open" else []
    return Message("\n".join(lines))


def fallback(incident: Incident) -> str:
    """The title, as a notification."""
    return literal(_title(incident), limits.FALLBACK)


def lasted(incident: Incident) -> str:
    """How long it was open."""
    if incident.resolved_at is None:
        return ""
    return duration(max(0.0, (incident.resolved_at - incident.opened_at).total_seconds()))


def _full(incident: Incident, notify: NotifySettings) -> Iterator[Block]:
    yield from _head(incident)
    yield context(_status(incident))
    for cause in incident.causes[:1]:
        yield section(f"*Cause* ({_how_sure(cause)}): {prose(cause.summary, limits.CAUSE - 40)}")
        if incident.state == "open":
            yield section(f"*Do this*\n{fix(cause, limits.FIX - 11)}")
        if cause.evidence_for or cause.evidence_against or cause.not_seen:
            yield section(f"*Evidence*\n{_evidence(cause)}")
    # That a setting was changed is shown below, where one was.
    others = [cause for cause in incident.causes[1:] if cause.code != "config_changed" or not incident.changes]
    if others and incident.state == "open":
        yield context(_others(others))
    if incident.changes:
        yield section(f"*Settings changed*\n{_changes(incident.changes)}")
    if shown := _times(incident):
        yield fields(shown)
    yield from _foot(incident, notify)


def _compact(incident: Incident, notify: NotifySettings) -> Iterator[Block]:
    yield from _head(incident)
    for cause in incident.causes[:1]:
        yield section(f"*Cause*: {prose(cause.summary, limits.COMPACT)}")
        if incident.state == "open":
            yield section(f"*Do this*\n{fix(cause, limits.COMPACT)}")
    yield from _foot(incident, notify)


def _head(incident: Incident) -> Iterator[Block]:
    if incident.state == "open":
        yield header(literal(_title(incident), limits.HEADER))
        return
    after = f" after {lasted(incident)}" if lasted(incident) else ""
    yield header(f"✅ RESOLVED{after}")
    yield section(struck(incident.title, limits.TITLE))


def _title(incident: Incident) -> str:
    if incident.state == "open":
        return f"{_SIGNS[incident.severity]} {incident.severity.upper()} {incident.title}"
    return f"✅ RESOLVED {incident.title}"


def _status(incident: Incident) -> str:
    """Where, since when, in whose hands."""
    where = [name(place, 60) for place in incident.datacenters if place]
    what = [f"in {joined(where, ', ', 130)}"] if where else []
    taken = f"taken by {name(incident.acknowledged_by)}" if incident.acknowledged_by else ""
    if incident.state == "open":
        what += [f"open since {date(incident.opened_at)}", taken or "nobody has taken it yet"]
    else:
        until = f" until {date(incident.resolved_at)}" if incident.resolved_at is not None else ""
        what += [
            f"was {incident.severity}",
            f"open from {date(incident.opened_at)}{until}",
            *([taken] if taken else []),
        ]
    if incident.silenced_by:
        what.append("silenced")
    return joined(what, "  ·  ", limits.STATUS)


def _how_sure(cause: Cause) -> str:
    if cause.code == "unknown":
        return "unknown"
    share = min(1.0, max(0.0, cause.confidence))
    word = "sure" if share >= _SURE else "likely" if share >= _LIKELY else "possible"
    return f"{word}, {share:.0%}"


def _evidence(cause: Cause) -> str:
    """What speaks for it, then what speaks against it."""
    lines = [
        f"{sign} {name(fact.name)}{f' on {name(fact.node)}' if fact.node else ''} = {name(fact.value, limits.VALUE)}"
        + (f", {_note(fact.note)}" if fact.note else "")
        for sign, facts in (
            ("•", cause.evidence_for),
            ("• _against it:_", cause.evidence_against),
            ("• _not seen:_", cause.not_seen),
        )
        for fact in facts[:_MAX_EVIDENCE]
    ]
    return joined(lines, "\n", limits.EVIDENCE - 11)


def _note(note: str) -> str:
    """Words, or a query."""
    first = note.partition(" ")[0]
    return name(note, limits.VALUE) if first.isupper() and len(first) > _ACRONYM else prose(note, limits.VALUE)


def _others(causes: Sequence[Cause]) -> str:
    lines = [f"{prose(cause.summary, 250)} ({_how_sure(cause)})" for cause in causes[:_MAX_OTHERS]]
    return joined(["Or:", *lines] if len(lines) > 1 else [f"Or: {lines[0]}"], "\n", limits.OTHERS)


def _changes(changes: Sequence[Change]) -> str:
    """The newest, newest first."""
    lines = [
        f"• {name(change.setting)} on {name(change.node)}: {_value(change.from_)} → {_value(change.to)}"
        f", {date(change.at)}"
        for change in reversed(changes[-_MAX_CHANGES:])
    ]
    older = len(changes) - len(lines)
    return joined([*lines, *([f"… {older} earlier"] if older else [])], "\n", limits.CHANGES - 20)


def _value(value: str | None) -> str:
    return "unset" if value is None else name(value)


def _times(incident: Incident) -> list[str]:
    """How long people were in the dark."""
    shown = [f"*Detected*\n{_after(incident, incident.detected_at)}"]
    if incident.cause_at is not None and any(cause.code != "unknown" for cause in incident.causes):
        shown.append(f"*Cause named*\n{_after(incident, incident.cause_at)}")
    return shown


def _after(incident: Incident, moment: datetime) -> str:
    return f"after {duration(max(0.0, (moment - incident.opened_at).total_seconds()))}"


def _foot(incident: Incident, notify: NotifySettings) -> Iterator[Block]:
    if links := _runbooks(incident.rules, notify):
        yield context(links)
    ident = clean(incident.incident_id)
    if incident.state == "open" and incident.acknowledged_by is None and len(ident) <= limits.COMMAND - 40:
        yield context(f"Take it: {name(f'leadline incidents ack {ident}', limits.COMMAND - 9)}")
    else:
        yield context(name(ident, limits.COMMAND))


def _runbooks(rules: Sequence[str], notify: NotifySettings) -> str:
    """A link for each rule. Whatever would end the link is percent-encoded."""
    links = []
    for rule in rules[:_MAX_RUNBOOKS]:
        target = quote(address(rule, notify), safe=_IN_LINKS)
        if len(target) <= limits.LINKS // 2:
            links.append(f"<{target}|Runbook: {label(rule)}>")
    return joined(links, "  ·  ", limits.LINKS) if links else ""

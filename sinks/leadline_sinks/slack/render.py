"""An incident as a message: title, cause, fix, evidence, in the order in which somebody on call needs them.

The same incident always gives the same message.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import quote

from leadline import runbooks
from leadline.evidence_words import shown
from leadline.headline import can_return, ended_by, impact, impact_since, last_change, lasted_s
from leadline.model.incident import SIGNS, Cause, Change, Incident
from leadline.model.silence import Silence
from leadline.setting_words import move
from leadline.settings.routing import NotifySettings
from leadline.words import duration
from leadline_sinks.console_links import console_links
from leadline_sinks.message_parts import confidence
from leadline_sinks.runbook import runbook_url
from leadline_sinks.slack import announced, limits, steps
from leadline_sinks.slack.blocks import Block, Message, context, fields, header, section
from leadline_sinks.slack.text import clean, date, entities, joined, label, literal, name, prose, struck

_SIGNS: Final = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
"""The severity as a colour; the word beside it says the same."""
_MAX_EVIDENCE: Final = 6
_ACRONYM: Final = 3
"""Letters of WAL, LSN and TCP. A longer first word in capitals is a keyword of SQL."""
_MAX_OTHERS: Final = 2
_MAX_CHANGES: Final = 5
_MAX_RUNBOOKS: Final = 4
_IN_LINKS: Final = ":/@-._~%[]!$'()*+,;="
"""Characters that are not percent-encoded in an address."""


def full(
    incident: Incident, notify: NotifySettings, withdrawn: Sequence[str] = (), silence: Silence | None = None
) -> Message:
    """The full message. ``withdrawn``: the steps that an earlier message, which cannot be edited, proposes."""
    if incident.announcement is not None:
        message = announced.whole(incident, incident.announcement)
        return replace(message, blocks=(*message.blocks, *_console(incident, notify)))
    return Message(fallback(incident), tuple(_full(incident, notify, withdrawn, silence)))


def compact(incident: Incident, notify: NotifySettings, withdrawn: Sequence[str] = ()) -> Message:
    """The message with title, cause and fix only."""
    if incident.announcement is not None:
        return announced.short(incident, incident.announcement)
    return Message(fallback(incident), tuple(_compact(incident, notify, withdrawn)))


def plain(incident: Incident) -> Message:
    """Title, cause and fix without blocks, for when Slack has rejected the other forms."""
    lines = [prose(_title(incident), limits.TITLE)]
    for cause in incident.causes[:1]:
        lines += [f"*Cause*: {prose(cause.summary, limits.PLAIN)}"]
        lines += [f"*Do this*: {steps.fix(cause, limits.PLAIN)}"] if incident.state == "open" else []
    return Message("\n".join(lines))


def fallback(incident: Incident) -> str:
    """The title, for mobile notifications."""
    return literal(_title(incident), limits.FALLBACK)


def lasted(incident: Incident) -> str:
    """The duration of a resolved incident; empty while it is open."""
    seconds = lasted_s(incident)
    return duration(seconds) if seconds is not None else ""


def _full(
    incident: Incident, notify: NotifySettings, withdrawn: Sequence[str], silence: Silence | None
) -> Iterator[Block]:
    yield from _head(incident, withdrawn)
    yield context(_status(incident, silence))
    yield from _console(incident, notify)
    for cause in incident.causes[:1]:
        yield section(f"*Cause* ({confidence(cause)}{_gone(cause)}): {prose(cause.summary, limits.CAUSE - 80)}")
        if incident.state == "open":
            yield section(f"*Do this*\n{steps.fix(cause, limits.FIX - 11)}")
        if cause.evidence_for or cause.evidence_against or cause.not_seen:
            yield section(f"*Evidence*\n{_evidence(cause)}")
    # A changed setting that is listed below need not be repeated as a cause.
    others = [cause for cause in incident.causes[1:] if cause.code != "config_changed" or not incident.changes]
    if others and incident.state == "open":
        yield context(_others(others))
    if incident.changes:
        yield section(f"*Settings changed*\n{_changes(incident.changes)}")
    if shown := _times(incident):
        yield fields(shown)
    yield from _foot(incident, notify)


def _compact(incident: Incident, notify: NotifySettings, withdrawn: Sequence[str]) -> Iterator[Block]:
    yield from _head(incident, withdrawn)
    yield from _console(incident, notify)
    for cause in incident.causes[:1]:
        yield section(f"*Cause*: {prose(cause.summary, limits.COMPACT)}")
        if incident.state == "open":
            yield section(f"*Do this*\n{steps.fix(cause, limits.COMPACT)}")
    yield from _foot(incident, notify)


def _head(incident: Incident, withdrawn: Sequence[str]) -> Iterator[Block]:
    if incident.state == "open":
        yield header(literal(_title(incident), limits.HEADER))
        if warning := steps.withdrawn(withdrawn):
            yield section(warning)
        return
    after = f" after {lasted(incident)}" if lasted(incident) else ""
    yield header(f"{_ending(incident)}{after}")
    yield section(struck(incident.title, limits.TITLE))
    if incident.merged_into is not None:
        yield section(f"It is part of {name(incident.merged_into)}: both are one problem.")
        return
    if why := can_return(incident):
        yield section(f"*Can return*: {prose(why, limits.ENDED)}")
    if why := ended_by(incident):
        yield section(f"*Ended*: {prose(why, limits.ENDED)}")
    if change := last_change(incident):
        yield section(f"*Last change before the end*: {prose(change, limits.ENDED)}")


def _title(incident: Incident) -> str:
    """The problem, its impact and its beginning; or that it is over."""
    if incident.announcement is not None:
        return announced.first(incident)
    if incident.state != "open":
        return f"{_ending(incident)} {incident.title}"
    first = f"{_SIGNS[incident.severity]} {incident.severity.upper()} "
    bad = f"; {impact_since(incident)}"
    room = max(limits.HEADER // 2, limits.HEADER - len(first) - len(bad))
    title = clean(incident.title)
    return f"{first}{title if len(title) <= room else title[: room - 1] + '…'}{bad}"


def _ending(incident: Incident) -> str:
    return "✅ RESOLVED" if incident.merged_into is None else "🔀 MERGED"


def _status(incident: Incident, silence: Silence | None) -> str:
    """The silence, datacenters, times, and who has acknowledged."""
    where = [name(place, 60) for place in incident.datacenters if place]
    parts = [silenced(silence)] if silence is not None and incident.state == "open" else []
    parts += [f"in {joined(where, ', ', 130)}"] if where else []
    by = f"acknowledged by {name(incident.acknowledged_by)}" if incident.acknowledged_by else ""
    if incident.state == "open":
        parts += [f"open since {date(incident.opened_at)}", by or "not acknowledged"]
    else:
        until = f" until {date(incident.resolved_at)}" if incident.resolved_at is not None else ""
        parts += [
            f"was {incident.severity}",
            f"open from {date(incident.opened_at)}{until}",
            *([by] if by else []),
        ]
    if incident.parted_from is not None:
        parts.append(f"was a part of {name(incident.parted_from)} before")
    if incident.reopened:
        times = len(incident.reopened)
        parts.append(f"returned {f'{times} times, last ' if times > 1 else ''}{date(incident.reopened[-1])}")
    if incident.state == "resolved" and impact(incident):
        parts.append(prose(impact(incident), limits.VALUE))
    return joined(parts, "  ·  ", limits.STATUS)


def silenced(silence: Silence) -> str:
    """The silence that holds the incident back: by whom, until when, why."""
    why = f": {prose(silence.comment, limits.VALUE // 2)}" if silence.comment else ""
    return f"🔕 *silenced* by {name(silence.created_by)} until {date(silence.ends_at)}{why}"


def _console(incident: Incident, notify: NotifySettings) -> Iterator[Block]:
    """The links to the console, which stand near the top: a long message is folded."""
    found = [f"<{entities(each.url)}|{each.title}>" for each in console_links(incident, notify)]
    if links := [link for link in found if len(link) < limits.CONSOLE // 2 - 5]:
        yield context("  ·  ".join(links))


def _gone(cause: Cause) -> str:
    """Since when an open incident's cause is no longer seen; empty while it is."""
    return "".join(f", {clean(fact.value)[:40]}" for fact in cause.not_seen if fact.name == SIGNS)


def _evidence(cause: Cause) -> str:
    """The evidence for the cause, the evidence against it, and what could not be seen."""
    lines = [
        f"{sign} {name(fact.name)}{f' on {name(fact.node)}' if fact.node else ''} = {name(shown(fact), limits.VALUE)}"
        + (f", {_note(fact.note)}" if fact.note else "")
        for sign, facts in (
            ("•", cause.evidence_for),
            ("• _against:_", cause.evidence_against),
            ("• _not seen:_", cause.not_seen),
        )
        for fact in facts[:_MAX_EVIDENCE]
    ]
    return joined(lines, "\n", limits.EVIDENCE - 11)


def _note(note: str) -> str:
    """A note: a sentence, or a query as code."""
    first = note.partition(" ")[0]
    return name(note, limits.VALUE) if first.isupper() and len(first) > _ACRONYM else prose(note, limits.VALUE)


def _others(causes: Sequence[Cause]) -> str:
    lines = [f"{prose(cause.summary, 250)} ({confidence(cause)})" for cause in causes[:_MAX_OTHERS]]
    head = "Other possible cause"
    return joined([f"{head}s:", *lines] if len(lines) > 1 else [f"{head}: {lines[0]}"], "\n", limits.OTHERS)


def _changes(changes: Sequence[Change]) -> str:
    """The newest changes, the newest first."""
    lines = [
        f"• {name(change.setting)} on {name(change.node)}: {name(move(change), limits.VALUE)}, {date(change.at)}"
        for change in reversed(changes[-_MAX_CHANGES:])
    ]
    older = len(changes) - len(lines)
    return joined([*lines, *([f"… {older} earlier"] if older else [])], "\n", limits.CHANGES - 20)


def _times(incident: Incident) -> list[str]:
    """The times from the first breach to detection and to the cause."""
    shown = [f"*Detected*\n{_after(incident, incident.detected_at)}"]
    if incident.cause_at is not None and any(cause.code != "unknown" for cause in incident.causes):
        shown.append(f"*Cause identified*\n{_after(incident, incident.cause_at)}")
    return shown


def _after(incident: Incident, moment: datetime) -> str:
    seconds = (moment - incident.opened_at).total_seconds()
    return f"after {duration(seconds)}" if seconds >= 1 else "at once"


def _foot(incident: Incident, notify: NotifySettings) -> Iterator[Block]:
    shown = runbooks.command(incident)
    if links := _runbooks(incident.rules, notify):
        yield context(links)
    elif incident.state == "open" and shown and len(clean(shown)) <= limits.COMMAND - 15:
        yield context(f"Runbook: {name(shown, limits.COMMAND - 13)}")
    ident = clean(incident.incident_id)
    command = f"{clean(notify.acknowledge)} {ident}"
    if incident.state == "open" and incident.acknowledged_by is None and len(command) <= limits.COMMAND - 15:
        yield context(f"Acknowledge: {name(command, limits.COMMAND - 13)}")
    else:
        yield context(name(ident, limits.COMMAND))


def _runbooks(rules: Sequence[str], notify: NotifySettings) -> str:
    """A link for each rule. Characters that would end the link are percent-encoded."""
    links = []
    for rule in rules[:_MAX_RUNBOOKS]:
        url = runbook_url(rule, notify)
        target = quote(url or "", safe=_IN_LINKS)
        if 0 < len(target) <= limits.LINKS // 2:
            links.append(f"<{target}|Runbook: {label(rule)}>")
    return joined(links, "  ·  ", limits.LINKS) if links else ""

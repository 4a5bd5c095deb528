"""An incident as events of the Events API v2. Pure. Every event is within the limits, whatever it contains."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from leadline import runbooks
from leadline.evidence_words import shown
from leadline.headline import affected, away_s, can_return, ending, impact_since
from leadline.logs import escape
from leadline.model.alert import Evidence, Severity
from leadline.model.incident import Cause, Change, Incident
from leadline.setting_words import move, origin
from leadline.settings.routing import NotifySettings
from leadline.steps import fix_lines
from leadline.wire import encode, timestamp
from leadline.words import duration
from leadline_sinks.console_links import console_links, incident_url
from leadline_sinks.notify.sink import Notification
from leadline_sinks.pagerduty import limits
from leadline_sinks.runbook import runbook_url

Event = dict[str, Any]
"""The body of a request."""

SEVERITIES: dict[Severity, str] = {"critical": "critical", "warning": "warning", "info": "info"}
"""Our severities as PagerDuty's. Its ``error``, between critical and warning, is not used."""
CLIENT = "Leadline"
_SHORT_SUMMARY = 200
_TITLE = 700
"""Characters of a title in a summary; the rest is for what follows it."""
_HASHED = 33
_LEFT_OUT = 40
"""Characters kept free for the line that says how many were left out."""


def dedup_key(incident_id: str, generation: int = 1) -> str:
    """The incident's identity, or, where that is too long or not printable, its beginning and a hash of the whole.

    The generation follows from 2 on: PagerDuty opens another alert for it, and notifies people.
    """
    suffix = f"#{generation}" if generation > 1 else ""
    room = limits.DEDUP_KEY_CHARACTERS - len(suffix)
    shown = escape(incident_id, room)
    if incident_id and shown == incident_id:
        return incident_id + suffix
    digest = hashlib.sha256(incident_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{shown[: room - _HASHED]}~{digest[: _HASHED - 1]}{suffix}"


def trigger(notification: Notification, key: str, notify: NotifySettings) -> Event:
    """The event that opens or updates the present alert."""
    incident, generation = notification.incident, notification.rang[-1]
    event: Event = {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": dedup_key(incident.incident_id, generation),
        "payload": _payload(incident, _summary(notification), _before(notification)),
        "client": CLIENT,
    }
    links = [*_console(incident, notify), *_links(incident, notify)][: limits.LINKS]
    url = incident_url(incident, notify)
    return event | ({"links": links} if links else {}) | ({"client_url": url} if url else {})


def acknowledge(incident: Incident, key: str, generation: int) -> Event:
    """The event that acknowledges the alert of a generation."""
    return _follow("acknowledge", incident, key, generation)


def resolve(incident: Incident, key: str, generation: int) -> Event:
    """The event that resolves the alert of a generation, with how the incident ended."""
    ended = _joined((_clip(incident.title, _TITLE), ending(incident), _cause_of(incident)))
    return _follow("resolve", incident, key, generation) | {"payload": _payload(incident, ended, {})}


def _follow(action: str, incident: Incident, key: str, generation: int) -> Event:
    return {
        "routing_key": key,
        "event_action": action,
        "dedup_key": dedup_key(incident.incident_id, generation),
    }


def _payload(incident: Incident, summary: str, before: dict[str, str]) -> dict[str, Any]:
    first = incident.causes[0] if incident.causes else None
    subject = first.subject if first else None
    newest = incident.timeline[-1].at if incident.timeline else incident.detected_at
    field = limits.FIELD_CHARACTERS
    return {
        "summary": summary,
        "source": _clip((subject.node or subject.id if subject else "") or incident.cluster, field),
        "severity": SEVERITIES[incident.severity],
        "timestamp": timestamp(newest),
        "component": _clip((subject.name or subject.kind) if subject else "cluster", field),
        "group": _clip(incident.cluster, field),
        "class": _clip(incident.rules[0] if incident.rules else first.code if first else "unknown", field),
        "custom_details": _table((*before.items(), *_details(incident))),
    }


def change(changes: Sequence[Change], key: str, cluster: str) -> Event:
    """A change event for settings of one node that changed at one time."""
    node = changes[0].node
    settings = [f"{c.setting} {move(c)}" for c in changes]
    return {
        "routing_key": key,
        "payload": {
            "summary": _clip(
                f"{cluster}: settings changed on {node}: {'; '.join(settings)}", limits.SUMMARY_CHARACTERS
            ),
            "source": _clip(node, limits.FIELD_CHARACTERS),
            "timestamp": timestamp(changes[0].at),
            "custom_details": _table((c.setting, _moved(c)) for c in changes),
        },
    }


def _moved(change: Change) -> str:
    """Both values, and the source of the new one."""
    return f"{move(change)} ({origin(change)})" if origin(change) else move(change)


def recurrence(incident: Incident, key: str) -> Event:
    """A change event for a measure against an incident that no longer holds. It notifies nobody."""
    last = max(incident.recurrences, key=lambda each: each.at)
    return {
        "routing_key": key,
        "payload": {
            "summary": _clip(
                f"{incident.cluster}: {incident.incident_id} can return: {can_return(incident)}",
                limits.SUMMARY_CHARACTERS,
            ),
            "source": _clip(last.subject, limits.FIELD_CHARACTERS),
            "timestamp": timestamp(last.at),
            "custom_details": _table(
                (("incident", incident.incident_id), ("rule", f"{last.rule} {last.title}"), ("measure", last.measure))
            ),
        },
    }


def test(key: str, at: datetime) -> Event:
    """A change event that is marked as a test. It notifies nobody."""
    summary = "This is a test of Leadline. No action is needed."
    return {"routing_key": key, "payload": {"summary": summary, "source": "leadline", "timestamp": timestamp(at)}}


def resolve_test(key: str) -> Event:
    """The resolution of an alert that does not exist, which PagerDuty accepts and ignores."""
    return {"routing_key": key, "event_action": "resolve", "dedup_key": "leadline-test"}


def shorter(event: Event) -> Event:
    """The event in its shortest form, for when PagerDuty has rejected it."""
    if event["event_action"] != "trigger":
        return {name: value for name, value in event.items() if name != "payload"}
    payload = {name: value for name, value in event["payload"].items() if name != "custom_details"}
    payload["summary"] = _clip(payload["summary"], _SHORT_SUMMARY)
    return {name: value for name, value in event.items() if name != "links"} | {"payload": payload}


def body(event: Event) -> bytes:
    """JSON within PagerDuty's limit. In a longer event, custom details are left out, the last one first."""
    data = encode(event)
    details = dict(event.get("payload", {}).get("custom_details", {}))
    while len(data) > limits.EVENT_BYTES and details:
        details.popitem()
        data = encode(event | {"payload": event["payload"] | {"custom_details": details}})
    return data


def _summary(notification: Notification) -> str:
    """The problem, its impact, its beginning and its cause, in this order: phones show the beginning only."""
    incident = notification.incident
    away = away_s(incident)
    returned = f"returned after {duration(away)}" if notification.occasion == "reopened" and away is not None else ""
    return _joined((_clip(incident.title, _TITLE), returned, impact_since(incident), _cause_of(incident)))


def _cause_of(incident: Incident) -> str:
    first = incident.causes[0] if incident.causes else None
    return first.summary if first is not None and first.code != "unknown" else ""


def _joined(parts: Iterable[str]) -> str:
    text = _clip("; ".join(part for part in parts if part.strip()), limits.SUMMARY_CHARACTERS)
    return text if text.strip() else "replication problem"


def _before(notification: Notification) -> dict[str, str]:
    """The alerts of earlier generations, the acknowledgement that no longer applies, and steps that are withdrawn."""
    ident = notification.incident.incident_id
    keys = [dedup_key(ident, each) for each in notification.rang[:-1]]
    facts = {"earlier alerts": ", ".join(keys)} if keys else {}
    if notification.lapsed_by and keys:
        facts["acknowledged before by"] = notification.lapsed_by
    if notification.withdrawn:
        facts["withdrawn, do not do this"] = " ".join(notification.withdrawn)
    return facts


def _details(incident: Incident) -> list[tuple[str, str | list[str]]]:
    """The custom details, the most useful first, since the last ones are left out first. Empty ones are omitted."""
    first = incident.causes[0] if incident.causes else None
    facts: dict[str, str | list[str]] = {
        "cause": _cause(first) if first else "",
        "fix": "" if first is None else fix_lines(first) if first.steps else first.fix,
        "evidence": "; ".join(map(_fact, first.evidence_for)) if first else "",
        "changes": "; ".join(f"{c.setting} on {c.node}: {move(c)}" for c in incident.changes),
        "runbook": runbooks.command(incident),
        "affected": affected(incident),
        "worst lag": duration(incident.worst_lag_s) if incident.worst_lag_s else "",
        "returned at": ", ".join(map(timestamp, incident.reopened)),
        "merged into": incident.merged_into or "",
        "parted from": incident.parted_from or "",
        "alerts": ", ".join(incident.rules or incident.alerts),
        "incident": incident.incident_id,
        "datacenters": ", ".join(incident.datacenters),
        "opened at": timestamp(incident.opened_at),
        "detected at": timestamp(incident.detected_at),
        "evidence against": "; ".join(map(_fact, first.evidence_against)) if first else "",
        "not seen": "; ".join(map(_fact, first.not_seen)) if first else "",
        "other causes": "; ".join(map(_cause, incident.causes[1:])),
        "part of": incident.parent or "",
    }
    labels = ((f"label {name}", text) for name, text in incident.labels.items())
    return [(name, text) for pairs in (facts.items(), labels) for name, text in pairs if text]


def _table(rows: Iterable[tuple[str, str | list[str]]]) -> dict[str, str]:
    """As many rows as there may be, with names and texts shortened. A list is shown as lines, which are not cut."""
    table: dict[str, str] = {}
    for name, text in rows:
        if len(table) == limits.DETAILS:
            break
        shown = _clip(text, limits.DETAIL_CHARACTERS) if isinstance(text, str) else _lines(text)
        table[_clip(name, limits.FIELD_CHARACTERS)] = shown
    return table


def _lines(lines: Sequence[str]) -> str:
    """As many lines as fit into a detail, and how many did not."""
    shown: list[str] = []
    room = limits.DETAIL_CHARACTERS - _LEFT_OUT
    for line in map(escape, lines):
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    left_out = len(lines) - len(shown)
    return "\n".join([*shown, *([f"… lines left out: {left_out}"] if left_out else [])])


def _console(incident: Incident, notify: NotifySettings) -> Iterator[dict[str, str]]:
    """The incident's page, and the form that silences it."""
    yield from ({"href": each.url, "text": each.title} for each in console_links(incident, notify))


def _links(incident: Incident, notify: NotifySettings) -> Iterator[dict[str, str]]:
    """The runbooks of the first rules."""
    for rule in incident.rules[: limits.LINKS]:
        url = runbook_url(rule, notify)
        if url is not None and rule and len(rule) <= limits.FIELD_CHARACTERS:
            yield {"href": url, "text": _clip(f"Runbook: {rule}", limits.FIELD_CHARACTERS)}


def _cause(cause: Cause) -> str:
    return f"{cause.code} ({cause.confidence:.2f}): {cause.summary}"


def _fact(fact: Evidence) -> str:
    where = f" on {fact.node}" if fact.node else ""
    note = f" ({fact.note})" if fact.note else ""
    return f"{fact.name}{where} = {shown(fact)}{note}"


def _clip(text: str, characters: int) -> str:
    """Text on one line, printable, and at most this long."""
    shown = escape(text, characters)
    return shown if len(shown) <= characters else shown[: characters - 1] + "…"

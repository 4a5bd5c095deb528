"""Webhooks of PagerDuty, version 3: their signature, and the action of a person. Pure.

PagerDuty sends an event for each change of an incident, also for those that our own events make: these have no person
as agent, and are not followed, so that no action goes round in circles. PagerDuty sends an event again until it is
answered; ``event.id`` is the same then (developer.pagerduty.com, "Webhooks Overview" and "Verifying Signatures").
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from leadline.model.ids import IncidentId
from leadline_sinks.inbound.person_action import PersonAction
from leadline_sinks.pagerduty.event import dedup_key

VENDOR: Final = "PagerDuty"
_GENERATION: Final = re.compile(r"#(\d{1,9})$")
_TEXTS: Final = {
    "incident.resolved": "resolved in PagerDuty; the incident is open, and its alert is opened again",
    "incident.unacknowledged": "the acknowledgement in PagerDuty has ended",
    "incident.reassigned": "reassigned in PagerDuty",
    "incident.escalated": "escalated in PagerDuty",
}
"""Notes, by the type of their event."""
NOTE: Final = "incident.annotated"
"""A note, whose event names the incident of PagerDuty and not its key."""
_BY_ITSELF: Final = frozenset({"incident.unacknowledged", "incident.escalated"})
"""Types of events that PagerDuty makes when a time has passed, without a person."""


MOST_KEYS: Final = 10_000


class IncidentKeys:
    """The keys of PagerDuty's incidents, by their identity there, from the events about them. Kept in memory only."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    def observe(self, payload: Any) -> None:
        """Take an event; one that names no key is ignored."""
        match payload:
            case {"event": {"data": {"id": str(ident), "incident_key": str(key)}}} if key:
                self._keys.pop(ident, None)
                self._keys[ident] = key
        if len(self._keys) > MOST_KEYS:
            del self._keys[next(iter(self._keys))]

    def with_key(self, payload: Any) -> Any:
        """A note with the key of its incident, where that is known; every other event as it is."""
        match payload:
            case {"event": {"event_type": str(kind), "data": {"incident": {"id": str(ident)}, **data}, **event}}:
                if kind == NOTE and ident in self._keys:
                    return {"event": {**event, "event_type": kind, "data": {**data, "incident_key": self._keys[ident]}}}
        return payload


def is_signed(header: str, body: bytes, secrets: Iterable[str]) -> bool:
    """Whether one of the signatures in ``x-pagerduty-signature`` is of one of the secrets. There are several of both
    while a secret changes."""
    macs = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    given = [each.strip().encode("utf-8", "replace") for each in header.split(",")[:10]]
    return any(hmac.compare_digest(f"v1={mac}".encode(), each) for mac in macs for each in given)


def lacks_key(payload: Any) -> bool:
    """Whether an event is of an incident that does not say which alert it is about, so nobody can follow it.

    PagerDuty gives some incidents no ``incident_key`` (PagerDuty/pdpyras issue 44).
    """
    match payload:
        case {"event": {"event_type": str(kind), "data": {"type": "incident", **data}}}:
            return kind.startswith("incident.") and not data.get("incident_key")
        case {"event": {"event_type": str(kind), "data": {"type": "incident_note", **data}}}:
            return kind == NOTE and not data.get("incident_key")
    return False


def action(payload: Any, known: Iterable[IncidentId], now: datetime) -> PersonAction | None:
    """The action of a person in an event; None for one that is not followed. ``known`` are incidents of Leadline."""
    match payload:
        case {
            "event": {"id": str(ident), "event_type": str(kind), "data": {"incident_key": str(key), **data}, **event}
        }:
            agent = event.get("agent")
        case _:
            return None
    if kind not in _TEXTS and kind not in ("incident.acknowledged", NOTE):
        return None
    person, name = _person(agent)
    if not person and kind not in _BY_ITSELF:
        return None  # our own event, or a rule of PagerDuty
    incident, generation = _incident(key, known)
    did: Literal["acknowledge", "note"] = "acknowledge" if kind == "incident.acknowledged" else "note"
    return PersonAction(
        kind=did,
        incident_id=incident,
        vendor=VENDOR,
        ident=ident,
        person_id=person,
        person=name or VENDOR,
        at=_time(event.get("occurred_at")) or now,
        generation=generation if did == "acknowledge" else None,
        text=_text(kind, data) if did == "note" else "in PagerDuty",
    )


def _text(kind: str, data: Mapping[Any, Any]) -> str:
    if kind == NOTE:
        return f"in PagerDuty: {data.get('content') or 'an empty note'}"
    found = data.get("assignees")
    names = (
        [str(each.get("summary", "")) for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    )
    to = f" to {', '.join(names[:5])}" if names and kind in ("incident.reassigned", "incident.escalated") else ""
    return f"{_TEXTS[kind]}{to}"


def _person(agent: Any) -> tuple[str, str]:
    """Identity and name of the user who acted; empty for integrations and PagerDuty itself."""
    match agent:
        case {"type": "user_reference" | "user", "id": str(ident), **more}:
            return ident, str(more.get("summary") or ident)
    return "", ""


def _incident(key: str, known: Iterable[IncidentId]) -> tuple[IncidentId, int]:
    """The incident and generation of a deduplication key."""
    found = _GENERATION.search(key)
    generation, plain = (int(found[1]), key[: found.start()]) if found else (1, key)
    if "~" in plain:  # perhaps shortened
        plain = next((ident for ident in known if dedup_key(ident, generation) == key), IncidentId(plain))
    return IncidentId(plain), generation


def _time(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None

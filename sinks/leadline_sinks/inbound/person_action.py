"""An action as a vendor reports it, and the records that it becomes. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline.settings.inbound import InboundSettings
from leadline_sinks.notify.context import KnownIncident

SILENCE: Final = timedelta(hours=1)
EFFECTIVE: Final = frozenset({"PagerDuty"})
"""Vendors at which an action has its effect whatever Leadline makes of it: after an acknowledgement, nobody else is
paged there."""


@dataclass(frozen=True, slots=True)
class PersonAction:
    """One action of one person at a vendor."""

    kind: Literal["acknowledge", "silence", "note"]
    incident_id: IncidentId
    vendor: str
    """``Slack`` or ``PagerDuty``."""
    ident: str
    """Identifies the action at the vendor, however often it is delivered."""
    person_id: str
    """Empty where the vendor acted by itself."""
    person: str
    """The vendor's name for the person."""
    at: datetime
    generation: int | None = None
    """Of the incident that the person saw; None where that is not known."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of an action, and what the person is answered."""

    records: tuple[Action | Silence, ...]
    text: str


def answer(
    given: PersonAction,
    known: KnownIncident | None,
    actions: Sequence[Action],
    settings: InboundSettings,
    now: datetime,
) -> Answer:
    """The answer to an action. ``known`` and ``actions`` are of its incident."""
    ident, at = given.incident_id, min(given.at, now)
    by = settings.people.get(given.person_id, given.person)[:255] or given.vendor
    stranger = settings.only_people and bool(given.person_id) and given.person_id not in settings.people
    if stranger and given.vendor not in EFFECTIVE:
        return Answer((), f"Leadline does not know you ({given.person_id}); ask for a place in inbound.people.")
    if known is None:
        return Answer((), f"Leadline has no incident {ident}; it may be too old. Nothing was changed.")
    if known.state == "resolved":
        into = f"; it is part of {known.merged_into}" if known.merged_into else ""
        return Answer((), f"{ident} is resolved already{into}. Nothing was changed.")
    record_id = hashlib.sha256(f"{given.vendor}\0{given.ident}".encode("utf-8", "surrogatepass")).hexdigest()
    if given.kind == "silence":
        silence = Silence(
            silence_id=f"sil_{record_id[:12]}",
            matchers={"incident": ident},
            starts_at=at,
            ends_at=at + SILENCE,
            created_by=by,
            comment=f"in {given.vendor}",
        )
        until = silence.ends_at.astimezone(UTC)
        return Answer((silence,), f"{ident} is silenced until {until:%H:%M} UTC, except for its end.")
    if stranger:
        return _only_there(given, ident, f"act_{record_id[:32]}", at, actions)
    action = Action(
        action_id=f"act_{record_id[:32]}",
        incident_id=ident,
        kind=given.kind,
        by=by,
        text=given.text[:4000],
        at=at,
        generation=min(given.generation, known.generation) if given.generation is not None else None,
    )
    before = [each for each in actions if each.kind == "acknowledge" and (each.generation or 0) >= known.generation]
    if any(each.action_id == action.action_id for each in actions):
        return Answer((), f"{ident}: this is on record already.")
    if given.kind == "acknowledge" and before and before[-1].by == by:
        return Answer((), f"{ident} is acknowledged already by you.")
    other = f" {before[-1].by} had acknowledged it before." if given.kind == "acknowledge" and before else ""
    return Answer((action,), f"{ident} is acknowledged by {by}.{other}" if given.kind == "acknowledge" else "")


def _only_there(
    given: PersonAction, ident: IncidentId, action_id: str, at: datetime, actions: Sequence[Action]
) -> Answer:
    """The note about an action at a vendor by somebody who may not act here."""
    if any(each.action_id == action_id for each in actions):
        return Answer((), f"{ident}: this is on record already.")
    did, holds = (given.text[:3000], "") if given.kind == "note" else (f"acknowledged in {given.vendor}", ", not here")
    text = f"{did}, by {given.person[:255]} ({given.person_id[:255]}), who is not in inbound.people{holds}"
    note = Action(action_id=action_id, incident_id=ident, kind="note", by=given.vendor, text=text, at=at)
    return Answer((note,), "")

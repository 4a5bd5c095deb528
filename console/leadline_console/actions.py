"""The records of what people do from a page: acknowledge, note, silence, and end a silence. Pure.

Identities are made of what is asked for, so that a form that is sent twice is one record: an acknowledgement of its
incident, its generation and the person, the others of the time of their page as well.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from leadline.errors import UsageError
from leadline.model.action import Action
from leadline.model.ids import IncidentId
from leadline.model.silence import Silence
from leadline_console.page import NotFound
from leadline_console.pages.acknowledged import acknowledgement
from leadline_console.pages.incident import the_incident
from leadline_console.pages.silences import LENGTHS_S, check, matchers
from leadline_console.read_model import ReadModel

LONGEST_NOTE: Final = 4000
LONGEST_COMMENT: Final = 1000
LONGEST_NAME: Final = 255


def acknowledged(model: ReadModel, ident: str, generation: int | None, by: str, now: datetime) -> Action:
    """The acknowledgement of an incident as a person saw it; the one that is there, where they gave it before.

    ``generation``: what the page showed, so that a change for the worse since then is not covered; None stands for the
    present one.
    """
    incident = the_incident(model, ident)
    covers = incident.generation if generation is None else min(generation, incident.generation)
    before = acknowledgement(model, incident)
    if before is not None and before.by == by[:LONGEST_NAME] and (before.generation or 0) >= covers:
        return before
    return Action(
        action_id=f"act_{_digest('acknowledge', incident.incident_id, str(covers), by)}",
        incident_id=IncidentId(incident.incident_id),
        kind="acknowledge",
        by=by[:LONGEST_NAME],
        at=now,
        generation=covers,
    )


def noted(model: ReadModel, ident: str, text: str, by: str, as_of: str, now: datetime) -> Action:
    """A note about an incident. Raises UsageError for one that is empty or too long."""
    incident = the_incident(model, ident)
    text = text.strip()
    if not text:
        raise UsageError("the note is empty; write its text")
    if len(text) > LONGEST_NOTE:
        raise UsageError(f"the note has {len(text)} characters; the limit is {LONGEST_NOTE}")
    return Action(
        action_id=f"act_{_digest('note', incident.incident_id, text, by, as_of)}",
        incident_id=IncidentId(incident.incident_id),
        kind="note",
        by=by[:LONGEST_NAME],
        text=text,
        at=now,
        generation=incident.generation,
    )


def silenced(model: ReadModel, given: Mapping[str, str], by: str, now: datetime) -> Silence:
    """The silence that a form asks for. Raises UsageError for one that can match nothing, or has no length."""
    patterns = matchers(given)
    check(model, patterns, now, unknown=bool(given.get("unknown")))
    length_s = LENGTHS_S.get(given.get("for", ""))
    if length_s is None:
        raise UsageError(f"choose a length of {', '.join(LENGTHS_S)}")
    comment = given.get("comment", "").strip()
    if len(comment) > LONGEST_COMMENT:
        raise UsageError(f"the reason has {len(comment)} characters; the limit is {LONGEST_COMMENT}")
    parts = (*sorted(f"{name}={pattern}" for name, pattern in patterns.items()), given["for"], comment, by)
    ident = f"sil_{_digest(*parts, given.get('as_of', ''))[:12]}"
    known = model.silences.get(ident)
    if known is not None:
        return known
    return Silence(
        silence_id=ident,
        matchers=patterns,
        starts_at=now,
        ends_at=now + timedelta(seconds=length_s),
        created_by=by[:LONGEST_NAME],
        comment=comment,
    )


def expired(model: ReadModel, ident: str, by: str, now: datetime) -> Silence:
    """A silence that ends now; unchanged where it is over. Raises NotFound."""
    silence = model.silences.get(ident)
    if silence is None:
        raise NotFound(f"there is no silence {ident!r}; it may be over")
    if silence.ends_at <= now:
        return silence
    return Silence(
        silence_id=silence.silence_id,
        matchers=silence.matchers,
        starts_at=min(silence.starts_at, now),
        ends_at=now,
        created_by=silence.created_by,
        comment=silence.comment,
        ended_by=by[:LONGEST_NAME],
    )


def _digest(*parts: str) -> str:
    """Hexadecimal digits of a hash of the parts, each of which may hold any character."""
    joined = "\0".join(f"{len(part)}:{part}" for part in parts)
    return sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]

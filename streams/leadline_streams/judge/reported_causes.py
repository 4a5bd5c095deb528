"""The causes of an incident as its records have them. Its state keeps how they are ranked.

A cause whose signs have gone is a little less sure while the problem lasts, since something else may be behind it. When
the problem has ended after that, this confirms the cause, and the record has the surest form in which it was seen.
"""

import re
from typing import Final

from msgspec.structs import replace

from leadline.catalogue import CAUSES
from leadline.clock import moment
from leadline.model.alert import Evidence
from leadline.model.incident import Cause
from leadline_streams.judge.diagnosis.ranking import GONE, OVER, name_of
from leadline_streams.judge.problem_state import IncidentState

_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,6})?", re.ASCII).fullmatch


def note_signs(incident: IncidentState, at: float) -> None:
    """Remember the surest form of each cause, and since when there are no signs of one."""
    named = {name_of(cause): cause for cause in incident.causes}
    incident.best = {name: cause for name, cause in incident.best.items() if name in named}
    incident.gone_at = {name: since for name, since in incident.gone_at.items() if name in named}
    for name, cause in named.items():
        if GONE in cause.evidence_against:
            incident.gone_at.setdefault(name, at)
            continue
        incident.gone_at.pop(name, None)
        known = incident.best.get(name)
        if known is None or _sureness(cause) >= _sureness(known):
            incident.best[name] = cause


def _sureness(cause: Cause) -> tuple[float, float]:
    """The rank of a form of a cause among others: its confidence, then the number that it begins with.

    Counts fall while a problem heals. The largest shows what happened.
    """
    number = _NUMBER(cause.evidence_for[0].value) if cause.evidence_for else None
    return cause.confidence, float(number[0]) if number is not None else 0.0


def reported(incident: IncidentState) -> list[Cause]:
    """The causes for a record."""
    return [_reported(incident, cause) if GONE in cause.evidence_against else cause for cause in incident.causes]


def ended_by(incident: IncidentState) -> str:
    """The sign that the first cause is over, or else the end of the last alert."""
    first = next(iter(incident.causes), None)
    if first is None or not _confirmed(first) or first.code not in CAUSES:
        return incident.last_end
    what, semicolon, remains = CAUSES[first.code].over.partition(";")
    return f"{what}, since {_since(incident, first)}{semicolon}{remains}"


def _reported(incident: IncidentState, cause: Cause) -> Cause:
    gone = f"gone since {_since(incident, cause)}"
    against = [each for each in cause.evidence_against if each != GONE]
    if incident.ended_at and _confirmed(cause):
        best = incident.best.get(name_of(cause), cause)
        sign = Evidence(name=GONE.name, value=gone, note="the problem ended after that")
        return replace(
            best,
            evidence_for=[*best.evidence_for, sign],
            evidence_against=against,
            steps=cause.steps,
            fix=cause.fix,
        )
    sign = Evidence(name=GONE.name, value=gone, note="this cause may be over, and its effects not yet")
    return replace(cause, evidence_against=against, not_seen=[*cause.not_seen, sign])


def _confirmed(cause: Cause) -> bool:
    """Whether the signs of a cause are gone, and the problem did not go on without it."""
    return GONE in cause.evidence_against and cause.confidence > OVER


def _since(incident: IncidentState, cause: Cause) -> str:
    return f"{moment(incident.gone_at.get(name_of(cause), incident.ended_at)):%H:%M:%S} UTC"

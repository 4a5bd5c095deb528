"""Incidents: open ones first, the most severe of them at the top; then those that ended, the newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from leadline.headline import impact, lasted_s
from leadline.model.alert import severity_rank
from leadline.model.incident import Incident
from leadline_console.page import Asked, Page
from leadline_console.pages.acknowledged import acknowledgement
from leadline_console.read_model import ReadModel
from leadline_sinks.notify.notify_decision import active_silence

A_PAGE: Final = 50
STATES: Final = ("open", "all", "resolved")
CLASSES: Final = ("page", "all", "notice", "advice")


class ListedIncident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident of the list."""

    incident_id: str
    cluster: str
    state: str
    severity: str
    class_: str = msgspec.field(name="class")
    title: str
    impact: str
    """Its impact in words; empty where the record has none."""
    opened_at: datetime
    resolved_at: datetime | None
    lasted_s: float
    """Until now, where it is open."""
    cause: str
    """The code of the first cause; empty without one."""
    confidence: float | None
    acknowledged_by: str | None
    """The person who acknowledged it as it is now; None where nobody did, or it became worse after that."""
    silenced_by: str | None
    """The silence that holds back its notifications now."""


class IncidentList(msgspec.Struct, frozen=True, kw_only=True):
    """The incidents that fit what is asked for."""

    first_line: str
    """The worst problem, its impact, its beginning and the thing to do; or that there is none."""
    open_total: int
    """Open pages, whatever is asked for."""
    unacknowledged: int
    """Those of them that nobody has acknowledged as they are now."""
    state: str
    class_: str = msgspec.field(name="class")
    cluster: str
    text: str
    found: int
    page: int
    pages: int
    rows: list[ListedIncident]
    left_out: int
    """Incidents that the console has forgotten, since there were too many."""


def view(model: ReadModel, asked: Asked) -> IncidentList:
    """``state`` and ``class`` choose, ``cluster`` is a name, ``q`` is text in the title, the cause or the identity."""
    state, class_ = asked.one_of("state", STATES), asked.one_of("class", CLASSES)
    cluster, search = asked.text("cluster").strip(), asked.text("q").strip()
    listed: list[Incident] = []
    if state != "resolved":
        listed += sorted(model.open_incidents.values(), key=_gravest)
    if state != "open":
        listed += sorted(model.resolved_incidents.values(), key=lambda each: each.opened_at, reverse=True)
    found = [
        each
        for each in listed
        if class_ in ("all", each.class_) and cluster in ("", each.cluster) and _has(each, search.lower())
    ]
    pages = max(1, -(-len(found) // A_PAGE))
    page = asked.number("page", 1, least=1, most=pages)
    urgent = sorted((each for each in model.open_incidents.values() if each.class_ == "page"), key=_gravest)
    alone = [each for each in urgent if not acknowledgement(model, each)]
    return IncidentList(
        first_line=_first_line(urgent, alone),
        open_total=len(urgent),
        unacknowledged=len(alone),
        state=state,
        class_=class_,
        cluster=cluster,
        text=search,
        found=len(found),
        page=page,
        pages=pages,
        rows=[listed_incident(model, each, asked.now) for each in found[(page - 1) * A_PAGE : page * A_PAGE]],
        left_out=model.open_incidents.left_out + model.resolved_incidents.left_out,
    )


def listed_incident(model: ReadModel, incident: Incident, now: datetime) -> ListedIncident:
    """One incident as lists show it."""
    given = acknowledgement(model, incident)
    silence = active_silence(incident, list(model.silences.values()), now) if incident.state == "open" else None
    first = incident.causes[0] if incident.causes else None
    return ListedIncident(
        incident_id=incident.incident_id,
        cluster=incident.cluster,
        state="merged" if incident.merged_into is not None else incident.state,
        severity=incident.severity,
        class_=incident.class_,
        title=incident.title,
        impact=impact(incident),
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        lasted_s=max(0.0, lasted_s(incident) or (now - incident.opened_at).total_seconds()),
        cause=first.code if first is not None else "",
        confidence=first.confidence if first is not None else None,
        acknowledged_by=given.by if given is not None else None,
        silenced_by=silence.silence_id if silence is not None else None,
    )


def _first_line(urgent: Sequence[Incident], alone: Sequence[Incident]) -> str:
    if not urgent:
        return "No incident is open."
    count = "1 incident is open" if len(urgent) == 1 else f"{len(urgent)} incidents are open"
    if not alone:
        return f"{count}, and somebody has acknowledged {'it' if len(urgent) == 1 else 'each of them'}."
    worst = alone[0]
    whose = "nobody has acknowledged it" if len(urgent) == 1 else f"nobody has acknowledged {len(alone)} of them"
    return f"{count}, and {whose}. Begin with: {worst.title}"


def _gravest(incident: Incident) -> tuple[bool, int, datetime, str]:
    return incident.class_ != "page", -severity_rank(incident.severity), incident.opened_at, incident.incident_id


def _has(incident: Incident, text: str) -> bool:
    """Whether the text, in small letters, is in the title, in a cause or in the identity."""
    words = (incident.title, incident.incident_id, *(each.code for each in incident.causes), *incident.rules)
    return not text or any(text in each.lower() for each in words)


PAGE: Final = Page("/incidents", "Incidents", "incidents.html", view, menu="Incidents")

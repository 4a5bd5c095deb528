"""One incident: what, how bad, since when, and what to do; then why, what happened, and who was notified."""

from datetime import datetime
from typing import Final

import msgspec

from leadline.headline import can_return, ending, first_line, impact
from leadline.model.incident import Incident
from leadline.model.silence import Silence
from leadline.runbooks import command
from leadline.setting_words import in_words
from leadline_console.page import Asked, NotFound, Page
from leadline_console.pages.acknowledged import acknowledgement, earlier
from leadline_console.pages.announced import AnnouncedSilences, announced_silences
from leadline_console.pages.causes import RankedCause, first_thing, ranked_cause
from leadline_console.pages.decisions import TargetAnswer, answers
from leadline_console.read_model import ReadModel
from leadline_console.rows import LinkRow, link_row
from leadline_sinks.console_links import such_matchers
from leadline_sinks.incident_log.incident_history import IncidentHistory
from leadline_sinks.notify.notify_decision import active_silence

MOST_LINES: Final = 400
MOST_LINKS_NOW: Final = 3
"""Lines of the timeline; of more, the newest are shown."""


class GivenAction(msgspec.Struct, frozen=True, kw_only=True):
    """An acknowledgement or a note of a person."""

    by: str
    at: datetime
    text: str


class TimelineLine(msgspec.Struct, frozen=True, kw_only=True):
    """One event: of the judgement, of a notification or of a person."""

    at: datetime
    what: str
    origin: str


class ActiveSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence that holds back notifications of the incident now."""

    silence_id: str
    by: str
    ends_at: datetime
    comment: str
    matchers: dict[str, str]


class ChangedSetting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting or a role that changed on a server of the incident."""

    at: datetime
    after: datetime | None
    """The last look that showed it unchanged."""
    what: str


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one incident that the topics have."""

    incident_id: str
    cluster: str
    title: str
    first_line: str
    """The problem, its severity and its beginning; or its end."""
    do_first: str
    """The thing to do now; empty once it has ended."""
    state: str
    severity: str
    class_: str = msgspec.field(name="class")
    impact: str
    datacenters: list[str]
    opened_at: datetime
    detected_at: datetime
    cause_at: datetime | None
    resolved_at: datetime | None
    ending: str
    generation: int
    acknowledged: GivenAction | None
    """The acknowledgement that covers it as it is now."""
    outgrown: GivenAction | None
    """The last acknowledgement, where the incident became worse after it, so that people are notified again."""
    silence: ActiveSilence | None
    to_silence: dict[str, str]
    """Matchers of a silence of it; of such incidents, once it is over."""
    causes: list[RankedCause]
    """The first is the most likely one."""
    changes: list[ChangedSetting]
    timeline: list[TimelineLine]
    """Oldest first."""
    lines_left_out: int
    notified: list[TargetAnswer]
    """By target."""
    notes: list[GivenAction]
    links: list[str]
    """Identities of the links affected."""
    links_now: list[LinkRow]
    """The first of them as they are now, while it is open."""
    nodes: list[str]
    rules: list[str]
    runbook: str
    """The command that shows what to check, with the servers of the incident; empty without one."""
    reopened: list[datetime]
    merged_into: str | None
    parted_from: str | None
    parts: list[str]
    """Incidents that were merged into it."""
    writing: bool
    """Whether the form for a note is shown."""
    announced: AnnouncedSilences | None
    """Silences, which the record is about in place of a problem."""
    can_return: str
    """The measure against it that no longer holds; empty where every one does."""


def view(model: ReadModel, asked: Asked) -> IncidentPage:
    """``id`` is its identity. Raises NotFound."""
    incident = the_incident(model, asked.text("id"))
    given = list(model.actions.get(incident.incident_id) or ())
    covering, before = acknowledgement(model, incident), earlier(model, incident)
    silence = active_silence(incident, list(model.silences.values()), asked.now) if incident.state == "open" else None
    lines = _timeline(model, incident)
    first = incident.causes[0] if incident.causes else None
    return IncidentPage(
        incident_id=incident.incident_id,
        cluster=incident.cluster,
        title=incident.title,
        first_line=first_line(incident),
        do_first=first_thing(first) if incident.state == "open" and incident.announcement is None else "",
        state="merged" if incident.merged_into is not None else incident.state,
        severity=incident.severity,
        class_=incident.class_,
        impact=impact(incident),
        datacenters=list(incident.datacenters),
        opened_at=incident.opened_at,
        detected_at=incident.detected_at,
        cause_at=incident.cause_at,
        resolved_at=incident.resolved_at,
        ending=ending(incident),
        generation=incident.generation,
        acknowledged=GivenAction(by=covering.by, at=covering.at, text=covering.text) if covering is not None else None,
        outgrown=GivenAction(by=before.by, at=before.at, text=before.text) if before is not None else None,
        silence=_silence(silence),
        to_silence=_to_silence(incident),
        causes=[ranked_cause(each) for each in incident.causes],
        changes=[ChangedSetting(at=each.at, after=each.after, what=in_words(each)) for each in incident.changes],
        timeline=lines[-MOST_LINES:],
        lines_left_out=max(0, len(lines) - MOST_LINES),
        notified=answers(model, incident, asked.now),
        notes=[GivenAction(by=each.by, at=each.at, text=each.text) for each in given if each.kind == "note"],
        links=list(incident.affected.links),
        links_now=_links_now(model, incident),
        nodes=list(incident.affected.nodes),
        rules=list(incident.rules),
        runbook=command(incident),
        reopened=list(incident.reopened),
        merged_into=incident.merged_into,
        parted_from=incident.parted_from,
        parts=[
            each.incident_id for each in model.resolved_incidents.values() if each.merged_into == incident.incident_id
        ],
        writing=asked.text("write") != "",
        announced=announced_silences(model, incident),
        can_return=can_return(incident),
    )


def the_incident(model: ReadModel, ident: str) -> Incident:
    """An incident by its identity or by the beginning of it, if only one begins so. Raises NotFound."""
    if (found := model.incident(ident)) is not None:
        return found
    kept = (*model.open_incidents.values(), *model.resolved_incidents.values())
    begun = [each for each in kept if ident and each.incident_id.startswith(ident)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise NotFound(f"{len(begun)} incidents begin with {ident!r}; give more characters")
    raise NotFound(
        f"there is no incident {ident!r} in Kafka, which keeps them for 90 days; the list of incidents has those that "
        "there are, and `leadline incidents show` reads older ones from the incident log"
    )


def _timeline(model: ReadModel, incident: Incident) -> list[TimelineLine]:
    history = IncidentHistory(
        incident,
        deliveries=tuple(model.delivery_history.get(incident.incident_id) or ()),
        actions=tuple(model.actions.get(incident.incident_id) or ()),
    )
    return [TimelineLine(at=each.at, what=each.what, origin=each.origin) for each in history.timeline()]


def _links_now(model: ReadModel, incident: Incident) -> list[LinkRow]:
    known = [model.links.get(each) for each in incident.affected.links] if incident.state == "open" else []
    return [link_row(model, each) for each in known if each is not None][:MOST_LINKS_NOW]


def _to_silence(incident: Incident) -> dict[str, str]:
    such = such_matchers(incident) if incident.state == "resolved" else {}
    return such or {"incident": incident.incident_id}


def _silence(silence: Silence | None) -> ActiveSilence | None:
    if silence is None:
        return None
    return ActiveSilence(
        silence_id=silence.silence_id,
        by=silence.created_by,
        ends_at=silence.ends_at,
        comment=silence.comment,
        matchers=dict(silence.matchers),
    )


PAGE: Final = Page("/incident", "Incident", "incident.html", view)

"""The announcement of silences on the page of its record: what they held back so far, and who was sent that. Pure."""

import msgspec

from leadline import silence_words
from leadline.model.incident import Incident
from leadline_console.read_model import ReadModel

MOST_HELD = 50


class HeldRow(msgspec.Struct, frozen=True, kw_only=True):
    """One incident of which notifications were held back."""

    incident_id: str
    title: str
    severity: str
    state: str
    cause: str
    """The first cause in words; empty without one."""


class AnnouncedSilences(msgspec.Struct, frozen=True, kw_only=True):
    """The silences of a record, and the incidents that they hold back, or held back until their end."""

    silences: list[str]
    """One line for each: what it matches, until when, by whom and why."""
    command: str
    """Ends them before their time; empty once they are over."""
    summary: str
    held: list[HeldRow]
    """At most 50: those that go on first."""


def announcements(model: ReadModel) -> dict[str, Incident]:
    """The record that is open of each silence that is announced, by the silence."""
    return {
        silence.silence_id: each
        for each in model.open_incidents.values()
        if each.announcement is not None
        for silence in each.announcement.silences
    }


def announced_silences(model: ReadModel, incident: Incident) -> AnnouncedSilences | None:
    """The silences that a record announces; None for an incident."""
    about = incident.announcement
    if about is None:
        return None
    if incident.state != "open":
        held = [
            HeldRow(
                incident_id=each.incident_id,
                title=each.title,
                severity=each.severity,
                state=each.state,
                cause=each.cause,
            )
            for each in about.held
        ]
        summary = silence_words.held_back(about)
    else:
        idents = list(
            dict.fromkeys(ident for each in about.silences for ident in model.held.get(each.silence_id) or ())
        )
        found = [known for ident in idents if (known := model.incident(ident)) is not None]
        found.sort(key=lambda each: (each.state != "open", each.opened_at))
        held = [_row(each) for each in found[:MOST_HELD]]
        going_on = sum(each.state == "open" for each in found)
        summary = silence_words.held_back(msgspec.structs.replace(about, held_count=len(idents), going_on=going_on))
    return AnnouncedSilences(
        silences=list(silence_words.lines(about)),
        command=" ".join(silence_words.commands(about)) if incident.state == "open" else "",
        summary=summary,
        held=held,
    )


def _row(incident: Incident) -> HeldRow:
    first = incident.causes[0] if incident.causes and incident.causes[0].code != "unknown" else None
    return HeldRow(
        incident_id=incident.incident_id,
        title=incident.title,
        severity=incident.severity,
        state=incident.state,
        cause=first.summary if first is not None else "",
    )
